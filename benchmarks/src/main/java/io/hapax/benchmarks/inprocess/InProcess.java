package io.hapax.benchmarks.inprocess;

import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.Table;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * What the guard costs inside the process, by JMH: {@link GuardBenchmark} with 1 and with 8 callers; and a run where nobody logs, in
 * which the log context has nowhere to go.
 */
public final class InProcess {

    private static final String ALL = GuardBenchmark.class.getName().replace(".", "\\.");
    /** Of SLF4J, without a backend. */
    private static final String NOBODY_LOGS = "-Dslf4j.provider=org.slf4j.helpers.NOP_FallbackServiceProvider";

    private final Arguments arguments;
    private final Table table = new Table("step", "callers", "ns", "± (99.9 %)", "bytes");
    private final Map<String, Double> nanos = new LinkedHashMap<>();
    private double bytes;

    private InProcess(Arguments arguments) {
        this.arguments = arguments;
    }

    /**
     * Measures.
     *
     * @param args {@code --quick}, {@code --csv=file}, {@code --callers=1,8}
     * @throws Exception if something breaks
     */
    public static void main(String[] args) throws Exception {
        new InProcess(Arguments.of(args)).run();
    }

    private void run() throws Exception {
        List<Integer> all = arguments.numbers("callers", List.of(1, 8));
        for (int callers : all) {
            for (RunResult result : measured(ALL, callers)) {
                row(callers, result, "");
            }
            for (RunResult result : measured(ALL + "\\.lockKey$", callers, NOBODY_LOGS)) {
                row(callers, result, ", nobody logs");
            }
        }
        if (arguments.csv().isPresent()) {
            table.write(arguments.csv().get());
        }
        StringBuilder last = new StringBuilder("hapax-inprocess");
        for (int callers : all) {
            Double run = nanos.get("lockKey " + callers);
            if (run != null) {
                last.append(String.format(Locale.ROOT, " run_ns_%d=%.0f", callers, run));
            }
        }
        System.out.println(last + String.format(Locale.ROOT, " run_bytes=%.0f", bytes));
    }

    private Collection<RunResult> measured(String steps, int callers, String... jvmOptions) throws RunnerException {
        List<String> jvm = new ArrayList<>(List.of("-Xms512m", "-Xmx512m"));
        jvm.addAll(List.of(jvmOptions));
        return new Runner(new OptionsBuilder()
                        .include(steps)
                        .threads(callers)
                        .forks(arguments.quick() ? 1 : 3)
                        .warmupIterations(arguments.quick() ? 2 : 5)
                        .warmupTime(TimeValue.seconds(1))
                        .measurementIterations(arguments.quick() ? 2 : 5)
                        .measurementTime(TimeValue.seconds(1))
                        .jvmArgs(jvm.toArray(String[]::new))
                        .addProfiler(GCProfiler.class)
                        .verbosity(VerboseMode.SILENT)
                        .build())
                .run();
    }

    private void row(int callers, RunResult result, String how) {
        String step = result.getPrimaryResult().getLabel() + how;
        double time = result.getPrimaryResult().getScore();
        double allocated = Objects.requireNonNull(result.getSecondaryResults().get("gc.alloc.rate.norm"))
                .getScore();
        table.row(step, callers, time, result.getPrimaryResult().getScoreError(), allocated);
        nanos.put(step + " " + callers, time);
        if (step.equals("lockKey")) {
            bytes = allocated;
        }
    }
}

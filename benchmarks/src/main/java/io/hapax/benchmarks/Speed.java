package io.hapax.benchmarks;

import io.hapax.benchmarks.adapters.AdapterOverhead;
import io.hapax.benchmarks.console.JobPage;
import io.hapax.benchmarks.console.Reports;
import io.hapax.benchmarks.cycle.CycleBenchmark;
import io.hapax.benchmarks.cycle.PipelinedCycles;
import io.hapax.benchmarks.fleet.ClusterShare;
import io.hapax.benchmarks.fleet.Replicas;
import io.hapax.benchmarks.handover.HandOver;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.Failures;
import io.hapax.benchmarks.held.HeldLeases;
import io.hapax.benchmarks.inprocess.InProcess;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Locale;

/** All measurements that compare Hapax with its peers, or, with {@code --quick}, the ones that tell most. */
public final class Speed {

    private static final int MOST_LEASES = 50_000;

    /** After so many seconds code that renews leases has been compiled. */
    private static final int COMPILED = 45;

    private final Path out;
    private final Failures failures = new Failures();

    private Speed(Path out) {
        this.out = out;
    }

    /**
     * Measures; what is printed also goes to {@code results.md} in the folder, with CSV files and charts beside it.
     *
     * @param args {@code --quick} (under 5 minutes; else 100), {@code --out=folder}
     * @throws Exception if something breaks
     */
    public static void main(String[] args) throws Exception {
        Arguments arguments = Arguments.of(args);
        Path out = Files.createDirectories(Path.of(arguments.value("out").orElse("target/speed")));
        try (OutputStream results =
                new FileOutputStream(out.resolve("results.md").toFile())) {
            System.setOut(new PrintStream(new Both(System.out, results), true, StandardCharsets.UTF_8));
            machine();
            if (arguments.quick()) {
                quick(out);
            } else {
                new Speed(out).all();
            }
        }
    }

    private static void quick(Path out) throws Exception {
        String cycle = CycleBenchmark.line(
                Arguments.of(new String[] {"--quick", "--csv=" + out.resolve("cycle.csv"), "--charts=" + out}));
        double renewals = HeldLeases.renewalCallsPerSecond(MOST_LEASES, 12);
        System.out.printf(Locale.ROOT, "%n%s renew_calls_per_s_50k=%.1f%n", cycle, renewals);
    }

    private void all() throws Exception {
        part(
                "Taking and giving back",
                () -> CycleBenchmark.main(new String[] {"--rounds=5", "--warm-up=5", csv("cycle"), "--charts=" + out}));
        part("Redis alone", () -> PipelinedCycles.main(new String[0]));
        part("The ledger", () -> LedgerBenchmark.main(new String[0]));
        part("A confirmed grant", () -> WaitBenchmark.main(new String[0]));
        part(
                "Holding",
                () -> HeldLeases.main(
                        new String[] {csv("held"), "--charts=" + out, "--settle=" + COMPILED, "--seconds=30"}));
        part("Handing over", () -> HandOver.main(new String[] {csv("handover")}));
        part("A fleet", () -> Replicas.main(new String[] {csv("fleet")}));
        part("A cluster", () -> ClusterShare.main(new String[] {csv("cluster")}));
        part("Guarding jobs", () -> AdapterOverhead.main(new String[] {csv("adapters")}));
        part("Inside the process", () -> InProcess.main(new String[] {csv("inprocess")}));
        part("The page of a job", () -> JobPage.main(new String[0]));
        part("A watcher of the console", () -> Reports.main(new String[] {csv("reports")}));
        failures.report();
    }

    private String csv(String name) {
        return "--csv=" + out.resolve(name + ".csv");
    }

    /** What fails does not keep the others from being measured: a complete run takes long. */
    private void part(String title, Failures.Step part) throws InterruptedException {
        System.out.printf(Locale.ROOT, "%n## %s%n", title);
        failures.note(title, part);
    }

    private static void machine() throws IOException {
        String processor = Files.readString(Path.of("/proc/cpuinfo"))
                .lines()
                .filter(line -> line.startsWith("model name"))
                .map(line -> line.substring(line.indexOf(':') + 1).trim())
                .findFirst()
                .orElse(System.getProperty("os.arch"));
        System.out.printf(
                Locale.ROOT,
                "Measured on %s: %d cores of %s, %s %s, Java %s; Redis and PostgreSQL on the same machine.%n",
                LocalDate.ofInstant(InstantSource.system().instant(), ZoneOffset.UTC),
                Runtime.getRuntime().availableProcessors(),
                processor,
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("java.version"));
    }

    /** Writes to both. */
    private static final class Both extends OutputStream {

        private final OutputStream one;
        private final OutputStream other;

        Both(OutputStream one, OutputStream other) {
            this.one = one;
            this.other = other;
        }

        @Override
        public void write(int b) throws IOException {
            one.write(b);
            other.write(b);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            one.write(bytes, offset, length);
            other.write(bytes, offset, length);
        }

        @Override
        public void flush() throws IOException {
            one.flush();
            other.flush();
        }
    }
}

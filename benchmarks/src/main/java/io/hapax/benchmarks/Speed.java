package io.hapax.benchmarks;

import io.hapax.benchmarks.adapters.AdapterOverhead;
import io.hapax.benchmarks.cycle.CycleBenchmark;
import io.hapax.benchmarks.fleet.ClusterShare;
import io.hapax.benchmarks.fleet.Replicas;
import io.hapax.benchmarks.handover.HandOver;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.held.HeldLeases;
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

    private Speed() {}

    /**
     * Measures; what is printed also goes to {@code results.md} in the folder, with CSV files and charts beside it.
     *
     * @param args {@code --quick} (under 5 minutes; else about an hour), {@code --out=folder}
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
                all(out);
            }
        }
    }

    private static void quick(Path out) throws Exception {
        String cycle = CycleBenchmark.line(
                Arguments.of(new String[] {"--quick", "--csv=" + out.resolve("cycle.csv"), "--charts=" + out}));
        double renewals = HeldLeases.renewalCallsPerSecond(MOST_LEASES, 12);
        System.out.printf(Locale.ROOT, "%n%s renew_calls_per_s_50k=%.1f%n", cycle, renewals);
    }

    private static void all(Path out) throws Exception {
        title("Taking and giving back");
        CycleBenchmark.main(new String[] {"--csv=" + out.resolve("cycle.csv"), "--charts=" + out});
        title("Holding");
        HeldLeases.main(new String[] {"--csv=" + out.resolve("held.csv"), "--charts=" + out, "--seconds=30"});
        title("Handing over");
        HandOver.main(new String[] {"--csv=" + out.resolve("handover.csv")});
        title("A fleet");
        Replicas.main(new String[] {"--csv=" + out.resolve("fleet.csv")});
        ClusterShare.main(new String[] {"--csv=" + out.resolve("cluster.csv")});
        title("Guarding jobs");
        AdapterOverhead.main(new String[] {"--csv=" + out.resolve("adapters.csv")});
    }

    private static void title(String text) {
        System.out.printf(Locale.ROOT, "%n## %s%n", text);
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

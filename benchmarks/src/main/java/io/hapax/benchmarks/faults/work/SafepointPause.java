package io.hapax.benchmarks.faults.work;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Lets the whole JVM stand still as a long garbage collection does, though its process runs: one thread is in a counted loop,
 * in which HotSpot's serial collector has no safepoint, while another one asks for a collection; all others wait for the
 * first.
 */
final class SafepointPause {

    /** The level of the compiler whose loops have no safepoints. */
    private static final int OPTIMISING = 4;

    private static final int WARM_UP = 20_000;
    private static final int PROBE = 10_000_000;
    private static final int PROBES = 3;
    private static final long LONGEST_LOOP = Integer.MAX_VALUE - 1L;

    private static final LongAdder SINK = new LongAdder();

    private SafepointPause() {}

    /**
     * Options of a JVM that can be let stand still. The optimising compiler sees the loop alone: a worker lives for seconds to minutes, and
     * what the compiler would spend on all else, others need.
     *
     * @param directives the file that tells the compiler so; it is written
     */
    static List<String> jvmOptions(Path directives) throws IOException {
        String loop = SafepointPause.class.getName().replace('.', '/') + ".spin";
        Files.writeString(
                directives, "[{match: \"" + loop + "\", c2: {Exclude: false}}, {match: \"*.*\", c2: {Exclude: true}}]");
        return List.of(
                "-XX:+UseSerialGC",
                "-XX:+UnlockDiagnosticVMOptions",
                // It says how many directives it has read.
                "-XX:+DisplayVMOutputToStderr",
                "-XX:CompilerDirectivesFile=" + directives.toAbsolutePath());
    }

    /**
     * Lets the compiler see the loop.
     *
     * @throws IllegalStateException if this JVM has no optimising compiler: its loops have safepoints, and nothing would stand still
     */
    static void warmUp() {
        String level = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                .getVMOption("TieredStopAtLevel")
                .getValue();
        if (Integer.parseInt(level) < OPTIMISING) {
            throw new IllegalStateException(
                    "a JVM with -XX:TieredStopAtLevel=" + level + " does not stand still; start it with jvmOptions");
        }
        for (int i = 0; i < WARM_UP; i++) {
            SINK.add(spin(1_000));
        }
    }

    /** Stands still for about so long. */
    static void pause(long millis) throws InterruptedException {
        int rounds = (int) Math.min(LONGEST_LOOP, (double) PROBE * millis * 1_000_000 / probe());
        Thread spinning = new Thread(() -> SINK.add(spin(rounds)), "spin");
        // On a busy machine the first collection may be over before the loop has started.
        Thread collecting = new Thread(
                () -> {
                    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(2 * millis);
                    while (spinning.isAlive() && System.nanoTime() - end < 0) {
                        System.gc();
                    }
                },
                "collect");
        spinning.start();
        collecting.start();
        spinning.join();
        collecting.join();
    }

    /** How long the loop takes where nobody else has the core, in nanoseconds. */
    private static long probe() {
        long shortest = Long.MAX_VALUE;
        for (int i = 0; i < PROBES; i++) {
            long start = System.nanoTime();
            SINK.add(spin(PROBE));
            shortest = Math.min(shortest, System.nanoTime() - start);
        }
        return shortest;
    }

    /** Each step waits for the one before. */
    private static int spin(int rounds) {
        int x = 1;
        for (int i = 0; i < rounds; i++) {
            x = x * 31 + i;
            x = (x ^ (x >>> 7)) * 17;
            x = (x ^ (x >>> 9)) * 13;
            x = (x ^ (x >>> 11)) * 11;
        }
        return x;
    }
}

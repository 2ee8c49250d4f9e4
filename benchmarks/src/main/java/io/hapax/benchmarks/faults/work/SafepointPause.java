package io.hapax.benchmarks.faults.work;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * Lets the whole JVM stand still as a long garbage collection does, though its process runs: one thread is in a counted loop,
 * in which HotSpot's serial collector has no safepoint, while another one asks for a collection; all others wait for the
 * first. Needs {@code -XX:+UseSerialGC} and the optimising compiler.
 */
final class SafepointPause {

    private static final int WARM_UP = 20_000;
    private static final int PROBE = 10_000_000;
    private static final int PROBES = 3;
    private static final long LONGEST_LOOP = Integer.MAX_VALUE - 1L;

    private static final LongAdder SINK = new LongAdder();

    private SafepointPause() {}

    /** A worker lives for seconds to minutes: what the optimising compiler would spend, others need. */
    static List<String> jvmOptions(Path directives) throws IOException {
        return List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");
    }

    /** Lets the compiler see the loop. */
    static void warmUp() {
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
                    while (spinning.isAlive()) {
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

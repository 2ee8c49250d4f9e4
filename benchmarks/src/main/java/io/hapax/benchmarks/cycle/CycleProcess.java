package io.hapax.benchmarks.cycle;

import com.sun.management.ThreadMXBean;
import io.hapax.benchmarks.ProcessCpu;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/**
 * One contender in a process of its own: so many callers take and give back locks for some seconds, and what it cost this
 * process is printed.
 */
final class CycleProcess {

    /** So many that no two calls in flight ever want the same one. */
    private static final int KEYS_PER_CALLER = 500;

    private final Contender contender;
    private final int callers;
    private final boolean async;

    private CycleProcess(Contender contender, int callers, boolean async) {
        this.contender = contender;
        this.callers = callers;
        this.async = async;
    }

    /**
     * Arguments: contender, Redis, JDBC address or -, callers, seconds to warm up and to measure. Measures when a line comes on
     * standard input, and ends with the input.
     */
    public static void main(String[] args) throws Exception {
        Locale.setDefault(Locale.ROOT);
        Contenders which = Contenders.of(args[0]);
        int callers = Integer.parseInt(args[3]);
        try (Contender contender = which.open(new Servers(args[1], args[2], callers))) {
            CycleProcess process = new CycleProcess(contender, callers, which.async());
            var unused = process.round(seconds(args[4]));
            System.out.println("ready");
            awaitLine();
            System.out.println(process.measured(seconds(args[5])));
            System.out.flush();
            // The processes of the database that serve this one are measured now: they must not end before.
            awaitLine();
        }
        System.exit(0);
    }

    /** Or the end of the input. */
    private static void awaitLine() throws IOException {
        int next;
        do {
            next = System.in.read();
        } while (next >= 0 && next != '\n');
    }

    private static Duration seconds(String text) {
        return Duration.ofMillis((long) (1000 * Double.parseDouble(text)));
    }

    /** cycles, seconds, CPU seconds without the compiler, p50, p99 and p99.9 in µs, bytes a cycle. */
    private String measured(Duration time) throws InterruptedException {
        double cpu = ProcessCpu.ofThisProcess();
        double compiler = compilerCpu();
        long bytes = allocated();
        long begun = System.nanoTime();
        Latencies latencies = round(time);
        double seconds = (System.nanoTime() - begun) / 1e9;
        return String.format(
                Locale.ROOT,
                "%d %.6f %.3f %.1f %.1f %.1f %.0f",
                latencies.total(),
                seconds,
                ProcessCpu.ofThisProcess() - cpu - (compilerCpu() - compiler),
                latencies.micros(0.5),
                latencies.micros(0.99),
                latencies.micros(0.999),
                (double) (allocated() - bytes) / latencies.total());
    }

    private static double compilerCpu() {
        return ProcessCpu.ofCompiler(ProcessHandle.current().pid());
    }

    /** What all threads that live have allocated, and those of the last round. */
    private static long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = ended;
        for (long bytes : threads.getThreadAllocatedBytes(threads.getAllThreadIds())) {
            sum += Math.max(0, bytes);
        }
        return sum;
    }

    private static volatile long ended;

    private Latencies round(Duration time) throws InterruptedException {
        long end = System.nanoTime() + time.toNanos();
        List<Latencies> all = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        CountDownLatch over = new CountDownLatch(async ? callers : 0);
        for (int n = 0; n < callers; n++) {
            int caller = n;
            Latencies mine = new Latencies();
            all.add(mine);
            if (async) {
                chain(caller, 0, end, mine, over);
            } else {
                Thread thread = new Thread(() -> repeat(caller, end, mine), "caller-" + n);
                threads.add(thread);
                thread.start();
            }
        }
        over.await();
        for (Thread thread : threads) {
            thread.join();
        }
        Latencies sum = new Latencies();
        all.forEach(sum::addAll);
        return sum;
    }

    private void repeat(int caller, long end, Latencies mine) {
        String[] keys = keys(caller);
        try {
            long before = System.nanoTime();
            for (int n = 0; before < end; n++) {
                contender.cycle(keys[n % KEYS_PER_CALLER]);
                long after = System.nanoTime();
                mine.add(after - before);
                before = after;
            }
        } catch (Exception e) {
            failed(e);
        }
        synchronized (CycleProcess.class) {
            ended += ((ThreadMXBean) ManagementFactory.getThreadMXBean())
                    .getThreadAllocatedBytes(Thread.currentThread().getId());
        }
    }

    private static String[] keys(int caller) {
        String[] keys = new String[KEYS_PER_CALLER];
        for (int n = 0; n < keys.length; n++) {
            keys[n] = key(caller, n);
        }
        return keys;
    }

    private static String key(int caller, int n) {
        return "job-" + caller + "-" + n % KEYS_PER_CALLER;
    }

    private void chain(int caller, int n, long end, Latencies mine, CountDownLatch over) {
        long before = System.nanoTime();
        if (before >= end) {
            over.countDown();
            return;
        }
        var unused = contender.cycleAsync(key(caller, n)).whenComplete((done, failure) -> {
            if (failure != null) {
                failed(failure);
            }
            mine.add(System.nanoTime() - before);
            chain(caller, n + 1, end, mine, over);
        });
    }

    private static void failed(Throwable e) {
        e.printStackTrace();
        System.exit(1);
    }
}

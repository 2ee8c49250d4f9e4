package io.hapax.benchmarks.soak;

import com.sun.management.UnixOperatingSystemMXBean;
import io.hapax.Admission;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.benchmarks.harness.Background;
import io.hapax.micrometer.GuardMetrics;
import io.hapax.redis.RedissonLeaseStore;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** A process that holds leases, and does short runs beside it, as many a second as it is ordered. */
final class SoakWorker {

    private static final int CALLERS = 16;
    private static final int SHORT_KEYS = 500;
    private static final int TAKEN_AT_ONCE = 500;

    private final JobGuard guard;
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final String name;
    private final Duration retention;
    private final AtomicLong runs = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();
    private final AtomicLong lost = new AtomicLong();
    /** What nobody refers to is not held. */
    private final List<AutoCloseable> held = new ArrayList<>();

    private SoakWorker(String url, String name, Instant firstStart, Duration retention) {
        this.name = name;
        this.retention = retention;
        GuardMetrics metrics = new GuardMetrics(meters);
        RedissonLeaseStore.Builder store =
                RedissonLeaseStore.builder().namespace("soak").url(url).firstStart(firstStart);
        this.guard = JobGuard.builder(store.build())
                .worker(name)
                .closesStore()
                .withoutLogging()
                .listener(metrics)
                .build();
        metrics.watch(guard);
    }

    /**
     * Arguments: address, name, start of all, leases, runs a second, retention in seconds. Each line of standard input asks for a
     * line of figures, see {@link #figures}; its end ends the process.
     */
    public static void main(String[] args) throws Exception {
        SoakWorker worker =
                new SoakWorker(args[0], args[1], Instant.parse(args[2]), Duration.ofSeconds(Long.parseLong(args[5])));
        worker.hold(Integer.parseInt(args[3]));
        worker.churn(Integer.parseInt(args[4]));
        System.out.println("ready");
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (questions.readLine() != null) {
            System.out.println(worker.figures());
        }
        worker.guard.close();
        System.exit(0);
    }

    private void hold(int leases) {
        for (int from = 0; from < leases; from += TAKEN_AT_ONCE) {
            List<CompletableFuture<Admission>> answers = new ArrayList<>();
            for (int n = from; n < Math.min(leases, from + TAKEN_AT_ONCE); n++) {
                answers.add(guard.admitAsync(RunRequest.lock("held:" + name + "-" + n)));
            }
            answers.forEach(answer -> enter(answer.join()));
        }
    }

    private void enter(Admission admission) {
        if (!(admission instanceof Admission.Admitted admitted)) {
            throw new IllegalStateException("a key that nobody holds was refused: " + admission);
        }
        admitted.run().onLeaseLost(loss -> lost.incrementAndGet());
        held.add(admitted.run().enter(OnLeaseLost.SIGNAL));
    }

    private void churn(int aSecond) {
        long start = System.nanoTime();
        AtomicLong next = new AtomicLong();
        for (int i = 0; i < CALLERS && aSecond > 0; i++) {
            Background.run("caller-" + i, () -> {
                while (true) {
                    long number = next.getAndIncrement();
                    long due = start + number * TimeUnit.SECONDS.toNanos(1) / aSecond;
                    for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                        LockSupport.parkNanos(left);
                    }
                    shortRun(number);
                }
            });
        }
    }

    private void shortRun(long number) {
        RunRequest request = RunRequest.lock("short:" + name + "-" + number % SHORT_KEYS)
                .job("short")
                .once("short-" + name + "-" + number)
                .tune(options -> options.withRetention(retention));
        try {
            boolean ran = guard.run(request, run -> true).fold(done -> true, refusal -> false);
            (ran ? runs : failures).incrementAndGet();
        } catch (Exception e) {
            failures.incrementAndGet();
        }
    }

    /** Heap after a collection in bytes, threads, open files, meters, runs, failures, leases lost. */
    private String figures() {
        for (int n = 0; n < 3; n++) {
            System.gc();
        }
        long files = ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                ? unix.getOpenFileDescriptorCount()
                : 0;
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed()
                + " " + ManagementFactory.getThreadMXBean().getThreadCount()
                + " " + files
                + " " + meters.getMeters().size()
                + " " + runs.get()
                + " " + failures.get()
                + " " + lost.get();
    }
}

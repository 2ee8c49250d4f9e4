package io.hapax.benchmarks.console;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.benchmarks.ProcessCpu;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.Table;
import io.hapax.console.Console;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.File;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;
import org.jspecify.annotations.Nullable;

/**
 * What it costs Redis that somebody watches the console: workers hold runs, of which some end and others start each second, for a
 * while without a watcher and then with one. All bytes into and out of Redis count; what is the same without a watcher, as
 * renewals are, is taken off.
 */
public final class Reports {

    private static final String JOBS = "sync-orders";
    /** How often some runs end and others start. */
    private static final Duration STEP = Duration.ofMillis(10);

    private static final Duration SETTLING = Duration.ofSeconds(15);
    private static final double GOAL_KILOBYTES = 200;

    private final EmbeddedRedis redis;
    private final int workers;
    private final int runs;
    private final double churn;
    private final RedissonLeaseStore store;
    private final RedissonLeaseStore watching;
    private final List<Worker> fleet = new ArrayList<>();
    private final ScheduledExecutorService steps = Executors.newScheduledThreadPool(1);
    private final AtomicLong ended = new AtomicLong();
    private final AtomicReference<@Nullable Throwable> trouble = new AtomicReference<>();

    private Reports(EmbeddedRedis redis, int workers, int runs, double churn) {
        this.redis = redis;
        this.workers = workers;
        this.runs = runs;
        this.churn = churn;
        // All workers share the connections of one: what goes over them is the same.
        this.store = open();
        this.watching = open();
    }

    private RedissonLeaseStore open() {
        return RedissonLeaseStore.builder()
                .url(redis.url())
                .namespace("shop")
                .answerTimeout(Duration.ofSeconds(5))
                .firstStart(WallClock.now())
                .build();
    }

    /**
     * Measures.
     *
     * @param args {@code --workers}, {@code --runs} of each, {@code --churn} in percent of the runs a second, {@code --seconds}
     * @throws Exception if it cannot be measured
     */
    public static void main(String[] args) throws Exception {
        Arguments given = Arguments.of(args).only("quick", "workers", "runs", "churn", "seconds", "csv");
        int workers = Integer.parseInt(given.value("workers").orElse(given.quick() ? "10" : "100"));
        int runs = Integer.parseInt(given.value("runs").orElse(given.quick() ? "100" : "1000"));
        double churn = Double.parseDouble(given.value("churn").orElse("1"));
        int seconds = Integer.parseInt(given.value("seconds").orElse(given.quick() ? "10" : "30"));
        Table table = new Table(
                "workers",
                "runs of each",
                "ended a second",
                "kB/s in",
                "kB/s out",
                "kB/s in all",
                "kB/s without watcher",
                "Redis ms CPU a second",
                "without watcher",
                "goal kB/s");
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            Reports reports = new Reports(redis, workers, runs, churn);
            double kilobytes;
            try {
                kilobytes = reports.measure(Duration.ofSeconds(seconds), table);
            } finally {
                reports.close();
            }
            if (given.csv().isPresent()) {
                table.write(given.csv().get());
            }
            if (kilobytes > GOAL_KILOBYTES) {
                throw new IllegalStateException("reports take more than their goal: " + kilobytes + " kB/s");
            }
        }
    }

    /** A guard, its console, and the runs that it holds, the oldest first. */
    private static final class Worker {

        private final String name;
        private final JobGuard guard;
        private final Console console;
        private final Queue<Held> held = new ArrayDeque<>();
        private long next;
        private double due;

        Worker(String name, RedissonLeaseStore store) {
            this.name = name;
            this.console = Console.builder(store).build();
            this.guard = JobGuard.builder(store)
                    .worker(name)
                    .withoutLogging()
                    .listener(console)
                    .build();
        }

        /** Held by no thread in particular, as the runs of a worker with few threads and much to wait for are. */
        private record Held(GuardedRun run, GuardedRun.Scope scope) {}

        CompletableFuture<?> take() {
            long number = next++;
            RunRequest request = RunRequest.lock("orders/" + name + "/" + number)
                    .once(JOBS + "/" + name + "/" + number)
                    .job(JOBS + "-" + number % 3)
                    .tune(options -> options.withRetention(Duration.ofSeconds(1)));
            return guard.admitAsync(request).<Object>thenCompose(admission -> {
                if (!(admission instanceof Admission.Admitted admitted)) {
                    // A hundred workers in one process may be too slow to read an answer in time.
                    return take().thenApply(done -> done);
                }
                Held taken = new Held(admitted.run(), admitted.run().enter(OnLeaseLost.SIGNAL));
                synchronized (held) {
                    held.add(taken);
                }
                return CompletableFuture.completedFuture(null);
            });
        }

        CompletableFuture<?> giveBack() {
            Held oldest;
            synchronized (held) {
                oldest = held.remove();
            }
            CompletableFuture<?> ended = oldest.run.completeAsync();
            oldest.scope.close();
            return ended;
        }

        void close() {
            console.close();
            guard.close();
        }
    }

    private double measure(Duration window, Table table) throws Exception {
        for (int n = 0; n < workers; n++) {
            Worker worker = new Worker("worker-" + n, store);
            fleet.add(worker);
            worker.console.start(worker.guard);
            CompletableFuture.allOf(Stream.generate(worker::take).limit(runs).toArray(CompletableFuture<?>[]::new))
                    .get(60, TimeUnit.SECONDS);
        }
        var unused = steps.scheduleAtFixedRate(this::step, 0, STEP.toMillis(), TimeUnit.MILLISECONDS);
        Worker watcher = new Worker("watcher", watching);
        watcher.console.start(watcher.guard);
        try {
            TimeUnit.MILLISECONDS.sleep(SETTLING.toMillis());
            Used without = used(window);
            Tomcat tomcat = serve(watcher.console);
            try {
                AtomicLong told = watch(tomcat);
                TimeUnit.MILLISECONDS.sleep(SETTLING.toMillis());
                long before = told.get();
                Used with = used(window);
                if (told.get() - before < window.toSeconds() / 2) {
                    throw new IllegalStateException("the watcher has got " + (told.get() - before) + " lines only");
                }
                return row(table, without, with);
            } finally {
                tomcat.stop();
                tomcat.destroy();
            }
        } finally {
            watcher.close();
        }
    }

    private double row(Table table, Used without, Used with) {
        double in = with.in - without.in;
        double out = with.out - without.out;
        table.row(
                (long) workers,
                (long) runs,
                with.ended,
                in,
                out,
                in + out,
                without.in + without.out,
                with.cpu,
                without.cpu,
                GOAL_KILOBYTES);
        return in + out;
    }

    private void step() {
        try {
            for (Worker worker : fleet) {
                for (worker.due += runs * churn / 100 * STEP.toMillis() / 1000; worker.due >= 1; worker.due--) {
                    noted(worker.giveBack());
                    noted(worker.take());
                    ended.incrementAndGet();
                }
            }
        } catch (RuntimeException e) {
            trouble.set(e);
        }
    }

    private void noted(CompletableFuture<?> step) {
        var unused = step.whenComplete((done, failure) -> {
            if (failure != null) {
                trouble.set(failure);
            }
        });
    }

    /** Kilobytes a second into and out of Redis, its CPU in milliseconds a second, and runs that ended a second. */
    private record Used(double in, double out, double cpu, double ended) {}

    private Used used(Duration window) throws InterruptedException {
        long start = System.nanoTime();
        long in = stat("total_net_input_bytes");
        long out = stat("total_net_output_bytes");
        double cpu = ProcessCpu.ofTree(redis.pid());
        long endedBefore = ended.get();
        TimeUnit.MILLISECONDS.sleep(window.toMillis());
        double seconds = (System.nanoTime() - start) / 1e9;
        Throwable failure = trouble.get();
        if (failure != null) {
            throw new IllegalStateException("runs do not start and end as they should", failure);
        }
        return new Used(
                (stat("total_net_input_bytes") - in) / 1000.0 / seconds,
                (stat("total_net_output_bytes") - out) / 1000.0 / seconds,
                (ProcessCpu.ofTree(redis.pid()) - cpu) * 1000 / seconds,
                (ended.get() - endedBefore) / seconds);
    }

    private long stat(String name) {
        return redis.command("INFO", "stats")
                .lines()
                .filter(line -> line.startsWith(name + ":"))
                .mapToLong(
                        line -> Long.parseLong(line.substring(name.length() + 1).trim()))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("INFO does not tell " + name));
    }

    private static Tomcat serve(Console console) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory("reports").toString());
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context context = tomcat.addContext("", new File(".").getAbsolutePath());
        Wrapper wrapper = Tomcat.addServlet(context, "console", console.servlet());
        wrapper.setAsyncSupported(true);
        wrapper.addMapping("/*");
        tomcat.start();
        return tomcat;
    }

    /** Watches as a page does; returns how many lines it has got. */
    private static AtomicLong watch(Tomcat tomcat) {
        AtomicLong lines = new AtomicLong();
        URI stream = URI.create("http://localhost:" + tomcat.getConnector().getLocalPort() + "/api/stream");
        var unused = HttpClient.newHttpClient()
                .sendAsync(HttpRequest.newBuilder(stream).build(), BodyHandlers.ofLines())
                .thenAccept(response -> response.body().forEach(line -> lines.incrementAndGet()));
        return lines;
    }

    private void close() {
        steps.shutdownNow();
        // Each waits for its runs, which do not end.
        fleet.parallelStream().forEach(Worker::close);
        store.close();
        watching.close();
    }
}

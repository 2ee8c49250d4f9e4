package io.hapax.worker;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Shows two fleets of real worker processes side by side, one without the guard and one with it.
 *
 * <p>Starts an embedded Redis and PostgreSQL unless {@code REDIS_URL} and {@code DATABASE_URL} name others; there it uses
 * a namespace and schemas of its own. Exit code 1 if the guarded part shows a duplicate, an overlap or a lost job, or if
 * the unguarded part shows no duplicate, for then the demo proves nothing.
 */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description =
                "Shows two fleets of real worker processes, one without the guard and one with it. Starts its own "
                        + "Redis and PostgreSQL unless REDIS_URL and DATABASE_URL are set.")
final class DemoCommand implements Callable<Integer> {

    /** How long a part takes to end when it is interrupted. */
    private static final Duration LONGEST_END = Duration.ofSeconds(30);

    @Option(names = "--keep", description = "keep the logs of the workers")
    private volatile boolean keep;

    /** Set as soon as the JVM goes down, by itself or because of Ctrl-C. */
    private volatile boolean ending;

    private final List<Replica> children = new CopyOnWriteArrayList<>();

    @Override
    public Integer call() throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        DemoProgress progress = new DemoProgress(out, isTerminal());
        progress.say(
                "Hapax demo: two fleets side by side, one without the guard and one with it. Each has three replicas"
                        + " with a Quartz RAMJobStore of their own, one Quartz JDBC cluster and one JobRunr queue.");
        progress.say("In each fleet one replica is killed and one is frozen on the way.");
        try {
            boolean fine = run(progress, out);
            keep |= !fine;
            return fine ? 0 : 1;
        } catch (Exception e) {
            if (ending) {
                // Interrupted by Ctrl-C: what fails now fails because of that.
                new CountDownLatch(1).await();
            }
            keep = true;
            throw e;
        }
    }

    private boolean run(DemoProgress progress, PrintStream out) throws IOException, InterruptedException {
        try (DemoServers servers = DemoServers.start(System.getenv())) {
            Path logs = Files.createTempDirectory("hapax-demo");
            progress.say("The workers' logs are in " + logs);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> end(servers, logs), "demo-end"));
            List<DemoPart.Result> results = sideBySide(
                    () -> part("unguarded", servers, logs, progress), () -> part("guarded", servers, logs, progress));
            progress.clear();
            return DemoReport.print(out, results.get(0), results.get(1));
        } finally {
            children.forEach(Replica::close);
        }
    }

    /**
     * Both at once: that takes half of the time, and the same machine is as busy for the one as for the other. If one fails, the other
     * is interrupted, and has ended before this does: what both need is closed then.
     */
    static <T> List<T> sideBySide(Callable<T> unguarded, Callable<T> guarded) throws InterruptedException {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            var parts = new ExecutorCompletionService<T>(threads);
            List<Future<T>> all = List.of(parts.submit(unguarded), parts.submit(guarded));
            for (int ended = 0; ended < all.size(); ended++) {
                // The first that fails ends the demo.
                parts.take().get();
            }
            return List.of(all.get(0).get(), all.get(1).get());
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException failure ? failure : new IllegalStateException(e.getCause());
        } finally {
            threads.shutdownNow();
            awaitEnd(threads);
        }
    }

    private static void awaitEnd(ExecutorService threads) {
        try {
            boolean unused = threads.awaitTermination(LONGEST_END.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void end(DemoServers servers, Path logs) {
        ending = true;
        children.forEach(Replica::close);
        servers.close();
        if (!keep) {
            delete(logs);
        }
    }

    /** Each part starts with empty tables and a namespace that nobody has used. */
    private DemoPart.Result part(String name, DemoServers servers, Path logs, DemoProgress progress)
            throws InterruptedException {
        String own = "hapax_demo_" + name + "_" + UUID.randomUUID().toString().substring(0, 8);
        DemoPart.Place place = new DemoPart.Place(servers.redisUrl(), servers.schema(own), own, logs.resolve(name));
        try (HikariDataSource pool = pool(place.jdbcUrl())) {
            Observations observations = new Observations(pool);
            observations.createTables();
            return new DemoPart(name, name.equals("guarded"), place, observations, progress).run(children);
        }
    }

    /** Since JDK 22 there is a console even if the output goes to a file; it says so. */
    @SuppressWarnings("SystemConsoleNull")
    private static boolean isTerminal() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (ReflectiveOperationException before22) {
            return true;
        }
    }

    static HikariDataSource pool(String jdbcUrl) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(jdbcUrl);
        config.setMaximumPoolSize(3);
        return new HikariDataSource(config);
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException left) {
            // A folder for temporary files is cleaned by the system.
        }
    }
}

package io.hapax.worker;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Shows a fleet of real worker processes, first without the guard, then with it.
 *
 * <p>Starts an embedded Redis and PostgreSQL unless {@code REDIS_URL} and {@code DATABASE_URL} name others; there it uses
 * a namespace and schemas of its own. Exit code 1 if the guarded part shows a duplicate, an overlap or a lost job, or if
 * the unguarded part shows no duplicate, for then the demo proves nothing.
 */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = "Shows a fleet of real worker processes, first without the guard, then with it. Starts its own "
                + "Redis and PostgreSQL unless REDIS_URL and DATABASE_URL are set.")
final class DemoCommand implements Callable<Integer> {

    @Option(names = "--keep", description = "keep the logs of the workers")
    private volatile boolean keep;

    /** Set as soon as the JVM goes down, by itself or because of Ctrl-C. */
    private volatile boolean ending;

    private final List<Replica> children = new CopyOnWriteArrayList<>();

    @Override
    public Integer call() throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        DemoProgress progress = new DemoProgress(out, isTerminal());
        progress.say("Hapax demo: three replicas, each with its own Quartz RAMJobStore, one Quartz JDBC cluster and one"
                + " JobRunr queue.");
        progress.say("One replica is killed and one is frozen on the way. First without the guard, then with it.");
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
            DemoPart.Result unguarded = part("unguarded", servers, logs, progress);
            DemoPart.Result guarded = part("guarded", servers, logs, progress);
            progress.clear();
            boolean fine = DemoReport.print(out, unguarded, guarded);
            children.forEach(Replica::close);
            return fine;
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

    /** Each part begins with empty tables and a namespace that nobody has used. */
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

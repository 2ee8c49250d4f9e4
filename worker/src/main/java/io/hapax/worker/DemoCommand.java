package io.hapax.worker;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Shows a fleet of real worker processes, first without the guard, then with it.
 *
 * <p>Starts an embedded Redis and PostgreSQL unless {@code REDIS_URL} and {@code DATABASE_URL} name others (the database
 * then has to be empty). Exit code 1 if the guarded part shows a duplicate, an overlap or a lost job, or if the unguarded
 * part shows none, for then the demo proves nothing.
 */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = "Shows a fleet of real worker processes, first without the guard, then with it.")
final class DemoCommand implements Callable<Integer> {

    @Option(names = "--keep", description = "keep the logs of the workers")
    private boolean keep;

    private final List<Replica> children = new CopyOnWriteArrayList<>();

    @Override
    public Integer call() throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> children.forEach(Replica::close), "demo-end"));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        DemoProgress progress = new DemoProgress(out, isTerminal());
        Path logs = Files.createTempDirectory("hapax-demo");
        boolean fine = false;
        try {
            fine = run(progress, logs, out);
            return fine ? 0 : 1;
        } finally {
            children.forEach(Replica::close);
            if (keep || !fine) {
                out.println("  the workers' logs are in " + logs);
            } else {
                delete(logs);
            }
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

    private boolean run(DemoProgress progress, Path logs, PrintStream out) throws InterruptedException {
        progress.say(
                "Hapax demo: three replicas, each with its own Quartz RAMJobStore, one Quartz JDBC cluster and one JobRunr queue.");
        progress.say("One replica is killed and one is frozen on the way. First without the guard, then with it.");
        try (DemoServers servers = DemoServers.start()) {
            Map<Kind, Tally> unguarded = part(progress, logs, "unguarded", servers);
            Map<Kind, Tally> guarded = part(progress, logs, "guarded", servers);
            return DemoReport.print(out, unguarded, guarded, progress.notes());
        }
    }

    private Map<Kind, Tally> part(DemoProgress progress, Path logs, String name, DemoServers servers)
            throws InterruptedException {
        String jdbcUrl = servers.database(name);
        try (HikariDataSource pool = pool(jdbcUrl)) {
            Observations observations = new Observations(pool);
            observations.createTables();
            return new DemoPart(name, name.equals("guarded"), servers.redisUrl(), jdbcUrl, logs, observations, progress)
                    .run(children);
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
            List<Path> all =
                    new ArrayList<>(files.sorted(Comparator.reverseOrder()).toList());
            for (Path file : all) {
                Files.deleteIfExists(file);
            }
        } catch (IOException left) {
            // A folder for temporary files is cleaned by the system.
        }
    }
}

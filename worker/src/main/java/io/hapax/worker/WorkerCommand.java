package io.hapax.worker;

import io.hapax.RunOptions;
import io.hapax.Setting;
import io.hapax.cli.PostgresAddress;
import io.hapax.cli.RunSettingOptions;
import io.hapax.time.DurationText;
import io.hapax.worker.WorkerSettings.Leases;
import io.hapax.worker.WorkerSettings.QuartzStore;
import io.hapax.worker.WorkerSettings.Secret;
import io.hapax.worker.WorkerSettings.Web;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Reads the settings of one replica from options and environment variables, and runs it until SIGTERM. */
@Command(
        name = "worker",
        mixinStandardHelpOptions = true,
        description = "Runs one replica: Quartz and JobRunr with sample jobs, guarded through Redis. Options win over "
                + "environment variables.",
        footer = {
            "",
            "Secrets come from the environment only, since options can be seen by everybody on a machine; or from the "
                    + "first line of a file, whose name HAPAX_CONSOLE_TOKEN_FILE or HAPAX_HASH_KEYS_FILE says:",
            "  HAPAX_CONSOLE_TOKEN   what the console asks for; without, it answers this machine only, and changes nothing",
            "  HAPAX_HASH_KEYS       keys are stored and logged as digests with this secret, the same on all workers",
            "",
            "HAPAX_LOG_FORMAT=json writes the log as lines of JSON; HAPAX_LOG=DEBUG writes more of it."
        })
final class WorkerCommand implements Callable<Integer> {

    private static final Logger LOG = LoggerFactory.getLogger(WorkerCommand.class);
    private static final Duration SHORTEST_TTL = Duration.ofSeconds(1);

    @Option(
            names = "--leases",
            description =
                    "redis or postgres: where leases are kept; postgres is that of --database, and then no Redis is"
                            + " needed [HAPAX_LEASES]")
    private @Nullable String leases;

    @Option(
            names = "--redis",
            description =
                    "redis://user:password@host:6379/0; three or five of them, with commas, form a quorum [REDIS_URL]")
    private @Nullable String redis;

    @Option(
            names = "--database",
            description =
                    "jdbc:postgresql://host/db?user=…&password=… [DATABASE_URL]; without one, Quartz and JobRunr keep"
                            + " their jobs in memory, and there is no ledger")
    private @Nullable String database;

    @Option(names = "--namespace", description = "the same on all replicas of one application [HAPAX_NAMESPACE]")
    private @Nullable String namespace;

    @Option(names = "--name", description = "name of this replica, shown to operators [HAPAX_WORKER]")
    private @Nullable String name;

    @Option(names = "--guard", description = "on or off [HAPAX_GUARD]")
    private @Nullable String guard;

    @Option(
            names = "--first-start",
            description =
                    "time at which the namespace is used for the first time ever, as 2026-11-28T09:30:00Z: for 10 minutes"
                            + " nothing waits for earlier holders")
    private @Nullable String firstStart;

    @Option(
            names = "--replace-settings",
            description = "on: for the one start that changes settings on which workers have to agree, after all were"
                    + " stopped [HAPAX_REPLACE_SETTINGS]")
    private @Nullable String replaceSettings;

    @Option(
            names = "--ledger",
            description = "on or off: keep runs in PostgreSQL too, so that none completes twice; off without a database"
                    + " [HAPAX_LEDGER]")
    private @Nullable String ledger;

    @Option(names = "--quartz-store", description = "ram, jdbc, both or none; ram without a database [QUARTZ_STORE]")
    private @Nullable String quartzStore;

    @Option(names = "--jobrunr", description = "on or off [JOBRUNR]")
    private @Nullable String jobrunr;

    @Option(names = "--threads", description = "how many jobs each scheduler runs at once [HAPAX_THREADS]")
    private @Nullable String threads;

    @Option(names = "--jobrunr-poll", description = "poll interval of JobRunr, e.g. 5s [JOBRUNR_POLL]")
    private @Nullable String jobrunrPoll;

    @Option(names = "--checkin", description = "check-in interval of the Quartz cluster, e.g. 7s [QUARTZ_CHECKIN]")
    private @Nullable String checkin;

    @Option(names = "--shutdown-grace", description = "how long running jobs may take to end [SHUTDOWN_GRACE]")
    private @Nullable String grace;

    @Option(names = "--http-port", description = "serves /health, /metrics and /console/ there; 0 for none [HTTP_PORT]")
    private @Nullable String httpPort;

    @Option(names = "--http-bind", description = "the interface that serves them, 127.0.0.1 by default [HTTP_BIND]")
    private @Nullable String httpBind;

    @Option(
            names = "--http-proxies",
            description =
                    "addresses of the proxies before them, with commas, such as 10.0.0.0/8: their word on who asks"
                            + " is taken, and nobody else's [HTTP_PROXIES]")
    private @Nullable String httpProxies;

    @Option(names = "--record", hidden = true, description = "the demo's part to which runs are recorded")
    private @Nullable String record;

    @Option(
            names = "--control-stdin",
            hidden = true,
            description = "'drain' stops new firings; the end stops the worker")
    private boolean controlled;

    private @Nullable CommandSpec command;

    /** The settings of runs come from their table. */
    @Spec
    void in(CommandSpec spec) {
        command = spec;
        RunSettingOptions.addTo(spec, Setting.ALL);
    }

    @Override
    public Integer call() throws Exception {
        WorkerSettings settings = settings(System.getenv());
        logByOneSystem();
        WorkerAssembly worker = WorkerAssembly.start(settings);
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(worker, stopped), "shutdown"));
        LOG.info("worker {} is up", settings.name());
        if (controlled) {
            obey(worker);
            return 0;
        }
        stopped.await();
        return 0;
    }

    /** What is logged by java.util.logging goes where the rest goes. */
    static void logByOneSystem() {
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
    }

    private static void stop(WorkerAssembly worker, CountDownLatch stopped) {
        worker.close();
        stopped.countDown();
        // SIGTERM was obeyed: the exit code says so instead of 143.
        Runtime.getRuntime().halt(0);
    }

    private static void obey(WorkerAssembly worker) throws IOException {
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String order = orders.readLine(); order != null; order = orders.readLine()) {
            if (order.equals("drain")) {
                worker.drain();
            }
        }
    }

    WorkerSettings settings(Map<String, String> env) {
        BiFunction<@Nullable String, String, @Nullable String> chosen =
                (option, variable) -> option != null ? option : env.get(variable);
        requireLogFormat(env.getOrDefault("HAPAX_LOG_FORMAT", "text"));
        String host = "worker-" + ProcessHandle.current().pid();
        String url = text(chosen.apply(database, "DATABASE_URL"), "");
        boolean named = !url.isEmpty();
        return new WorkerSettings(
                leases(text(chosen.apply(leases, "HAPAX_LEASES"), "redis")),
                List.of(text(chosen.apply(redis, "REDIS_URL"), "redis://localhost:6379")
                        .split("\\s*,\\s*")),
                named ? PostgresAddress.jdbcUrl("--database", url) : null,
                text(chosen.apply(namespace, "HAPAX_NAMESPACE"), "hapax-worker"),
                text(chosen.apply(name, "HAPAX_WORKER"), host),
                flag("--guard", text(chosen.apply(guard, "HAPAX_GUARD"), "on")),
                patient(RunSettingOptions.read(Objects.requireNonNull(command), Setting.ALL, env, RunOptions.DEFAULTS)),
                instant("--first-start", chosen.apply(firstStart, "HAPAX_FIRST_START")),
                flag("--replace-settings", text(chosen.apply(replaceSettings, "HAPAX_REPLACE_SETTINGS"), "off")),
                flag("--ledger", text(chosen.apply(ledger, "HAPAX_LEDGER"), named ? "on" : "off")),
                quartz(text(chosen.apply(quartzStore, "QUARTZ_STORE"), named ? "both" : "ram")),
                flag("--jobrunr", text(chosen.apply(jobrunr, "JOBRUNR"), "on")),
                number("--threads", text(chosen.apply(threads, "HAPAX_THREADS"), "8"), 1, 500),
                DurationText.parse("--jobrunr-poll", text(chosen.apply(jobrunrPoll, "JOBRUNR_POLL"), "5s")),
                DurationText.parse("--checkin", text(chosen.apply(checkin, "QUARTZ_CHECKIN"), "7500ms")),
                DurationText.parse("--shutdown-grace", text(chosen.apply(grace, "SHUTDOWN_GRACE"), "25s")),
                new Web(
                        number("--http-port", text(chosen.apply(httpPort, "HTTP_PORT"), "0"), 0, 65_535),
                        text(chosen.apply(httpBind, "HTTP_BIND"), "127.0.0.1"),
                        secret("HAPAX_CONSOLE_TOKEN", env),
                        words(text(chosen.apply(httpProxies, "HTTP_PROXIES"), ""))),
                secret("HAPAX_HASH_KEYS", env),
                record == null ? "" : record);
    }

    private static List<String> words(String list) {
        return list.isEmpty() ? List.of() : List.of(list.split("\\s*,\\s*"));
    }

    private static String text(@Nullable String value, String otherwise) {
        return value == null || value.isBlank() ? otherwise : value.trim();
    }

    /** The configuration of the log, which reads it itself, does not say what is wrong with it. */
    private static void requireLogFormat(String format) {
        if (!format.equals("text") && !format.equals("json")) {
            throw new IllegalArgumentException("HAPAX_LOG_FORMAT must be text or json, was '" + format + "'");
        }
    }

    private static @Nullable Secret secret(String variable, Map<String, String> env) {
        String value = text(env.get(variable), "");
        String file = text(env.get(variable + "_FILE"), "");
        if (!value.isEmpty() && !file.isEmpty()) {
            throw new IllegalArgumentException("set either " + variable + " or " + variable + "_FILE, not both");
        }
        String secret = file.isEmpty() ? value : firstLine(variable + "_FILE", file);
        return secret.isEmpty() ? null : new Secret(secret);
    }

    /** A file that says nothing is a mistake: nobody means to have no secret by it. */
    private static String firstLine(String variable, String file) {
        try (BufferedReader reader = Files.newBufferedReader(Path.of(file))) {
            String line = text(reader.readLine(), "");
            if (!line.isEmpty()) {
                return line;
            }
        } catch (IOException | InvalidPathException e) {
            throw new IllegalArgumentException(variable + " must be a file that can be read, was '" + file + "'", e);
        }
        throw new IllegalArgumentException(
                variable + " must be a file with the secret in it; '" + file + "' starts with an empty line");
    }

    private static @Nullable Instant instant(String option, @Nullable String value) {
        try {
            return value == null || value.isEmpty() ? null : Instant.parse(value);
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(
                    option + " must be a time in UTC, as 2026-11-28T09:30:00Z, was '" + value + "'", e);
        }
    }

    private static boolean flag(String option, String value) {
        return switch (value) {
            case "on", "true" -> true;
            case "off", "false" -> false;
            default -> throw new IllegalArgumentException(option + " must be on or off, was '" + value + "'");
        };
    }

    static Leases leases(String value) {
        return switch (value) {
            case "redis" -> Leases.REDIS;
            case "postgres" -> Leases.POSTGRES;
            default -> throw new IllegalArgumentException("--leases must be redis or postgres, was '" + value + "'");
        };
    }

    private static QuartzStore quartz(String value) {
        try {
            return QuartzStore.valueOf(value.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "--quartz-store must be ram, jdbc, both or none, was '" + value + "'", e);
        }
    }

    private static int number(String option, String value, int from, int to) {
        try {
            int number = Integer.parseInt(value);
            if (number >= from && number <= to) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Reported below.
        }
        throw new IllegalArgumentException(
                option + " must be a number from " + from + " to " + to + ", was '" + value + "'");
    }

    private static RunOptions patient(RunOptions options) {
        if (options.ttl().compareTo(SHORTEST_TTL) < 0) {
            throw new IllegalArgumentException("--ttl must be at least 1s, was '" + Setting.TTL.text(options.ttl())
                    + "'; a pause of the JVM or the network that is longer loses every lease");
        }
        return options;
    }
}

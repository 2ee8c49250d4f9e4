package io.hapax.testkit;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A real PostgreSQL server, as processes of its own that tests can kill, freeze and restart.
 *
 * <p>It listens on the loopback interface only, does not sync to disk (so a kill of the server loses nothing, but a
 * power cut may), and ends with the JVM at the latest. Where the
 * environment variable {@code DATABASE_URL} or the system property {@code hapax.database.url} is set, {@link #shared()}
 * is that server; then whatever breaks a server throws {@link UnsupportedOperationException}. Thread-safe.
 */
public final class EmbeddedDatabase implements AutoCloseable {

    private static final Duration START_WAIT = Duration.ofSeconds(60);
    private static final Object SHARING = new Object();
    private static @Nullable EmbeddedDatabase shared;

    private final Object lock = new Object();
    private final DatabaseAddress address;
    private final @Nullable Path folder;
    private final Map<String, String> settings;
    private final Runnable atExit = this::remove;

    private @Nullable EmbeddedPostgres server;

    private EmbeddedDatabase(DatabaseAddress address, @Nullable Path folder, Map<String, String> settings) {
        this.address = address;
        this.folder = folder;
        this.settings = settings;
    }

    /**
     * Starts a server on a free port, with the database {@code postgres}.
     *
     * @return the server, ready to answer
     */
    public static EmbeddedDatabase start() {
        return start(Map.of());
    }

    /**
     * Starts a server on a free port, with the database {@code postgres}.
     *
     * @param settings settings of postgresql.conf, such as {@code log_statement=all}
     * @return the server, ready to answer
     */
    public static EmbeddedDatabase start(Map<String, String> settings) {
        DatabaseAddress address = DatabaseAddress.local(ServerProcesses.freePort());
        Path folder = ServerProcesses.temporaryFolder("hapax-postgres");
        EmbeddedDatabase database = new EmbeddedDatabase(address, folder, Map.copyOf(settings));
        try {
            ServerProcesses.atExit(database.atExit);
            database.launch(folder);
            return database;
        } catch (RuntimeException e) {
            database.close();
            throw e;
        }
    }

    /**
     * Returns the server that all tests of this JVM share. Tests keep apart by databases or schemas of their own.
     *
     * @return the server of {@code DATABASE_URL} or {@code hapax.database.url}, else an embedded one
     */
    public static EmbeddedDatabase shared() {
        synchronized (SHARING) {
            EmbeddedDatabase present = shared;
            if (present == null) {
                String url = Settings.read("hapax.database.url", "DATABASE_URL");
                present = url == null ? start() : external(url);
                shared = present;
            }
            return present;
        }
    }

    /**
     * Stands for a server that somebody else runs.
     *
     * @param url {@code postgresql://[user[:password]@]host[:port]/database}, with {@code postgres:} or
     *     {@code jdbc:postgresql:} as well
     * @return the server, which cannot be stopped, killed or frozen
     * @throws IllegalArgumentException if the address has another form
     */
    public static EmbeddedDatabase external(String url) {
        return new EmbeddedDatabase(DatabaseAddress.parse(url), null, Map.of());
    }

    /**
     * Returns the address for JDBC, without credentials.
     *
     * @return {@code jdbc:postgresql://host:port/database}
     */
    public String jdbcUrl() {
        return address.jdbcUrl();
    }

    /**
     * Returns who to connect as.
     *
     * @return the name of a user who may create databases
     */
    public String user() {
        return address.user();
    }

    /**
     * Returns the user's password.
     *
     * @return the password; the embedded server accepts any
     */
    public String password() {
        return address.password();
    }

    /**
     * Returns the port.
     *
     * @return the port, the same for the server's whole life
     */
    public int port() {
        return address.port();
    }

    /**
     * Opens a connection for each call; nothing is pooled.
     *
     * @return a data source of {@link #jdbcUrl()}
     */
    public DataSource dataSource() {
        return address.dataSource();
    }

    /**
     * Creates a database on this server.
     *
     * @param name its name: lower-case letters, digits and {@code _}
     * @return how to connect to it
     * @throws IllegalArgumentException if the name has other characters
     * @throws IllegalStateException if it cannot be created
     */
    public DatabaseAddress createDatabase(String name) {
        if (!name.matches("[a-z][a-z0-9_]{0,62}")) {
            throw new IllegalArgumentException(
                    "a database's name has 1 to 63 lower-case letters, digits or '_', a letter first; was '" + name
                            + "'");
        }
        try (Connection connection = dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + name);
        } catch (SQLException e) {
            throw new IllegalStateException("the database " + name + " could not be created at " + jdbcUrl(), e);
        }
        return address.withDatabase(name);
    }

    /** Kills the postmaster and all its children with SIGKILL. Killing again does nothing. */
    public void kill() {
        Path own = own("killed");
        synchronized (lock) {
            if (server != null) {
                living(own).ifPresent(postmaster -> {
                    ServerProcesses.signal("STOP", postmaster);
                    ServerProcesses.kill(family(postmaster));
                });
                abandon(own);
            }
            server = null;
        }
    }

    /** Stops the server's time with SIGSTOP: connections stay open, nothing is answered. */
    public void freeze() {
        signal("STOP", "frozen");
    }

    /** Lets a frozen server go on. */
    public void thaw() {
        signal("CONT", "thawed");
    }

    /**
     * Lets the server find its disk full, until it is {@linkplain #restart restarted}: nothing that it writes to a file gets there. The
     * next commit fails, and takes the server with it, as that of a real PostgreSQL does which cannot write its log.
     *
     * @throws IllegalStateException if this machine has no {@code prlimit} (of util-linux)
     */
    public void fillDisk() {
        for (ProcessHandle process : family(postmaster(own("filled"), "filled"))) {
            try {
                ServerProcesses.tell(process, "prlimit", "--fsize=0", "--pid", String.valueOf(process.pid()));
            } catch (UncheckedIOException e) {
                throw new IllegalStateException(
                        "a full disk is simulated by prlimit, which cannot be run here. Install util-linux, or leave"
                                + " this fault out",
                        e);
            }
        }
    }

    /** Kills the server if it runs, and starts it again on the same port with the same data. */
    public void restart() {
        Path own = own("restarted");
        synchronized (lock) {
            kill();
            launch(own);
        }
    }

    /**
     * Starts another server that has what this one has and goes on copying it, and waits until this one lets each commit wait until
     * the other one has it (a synchronous standby).
     *
     * @return the standby, which can be read and {@linkplain #promote promoted}
     * @throws IllegalStateException if it does not start
     */
    public EmbeddedDatabase startStandby() {
        Path own = own("copied");
        DatabaseAddress there = DatabaseAddress.local(ServerProcesses.freePort());
        Path copy = ServerProcesses.temporaryFolder("hapax-postgres");
        EmbeddedDatabase standby = new EmbeddedDatabase(there, copy, settings);
        try {
            ServerProcesses.atExit(standby.atExit);
            DatabaseCopy.make(dataSource(), port(), own.resolve("data"), copy.resolve("data"));
            standby.launch(copy);
            DatabaseCopy.awaitSynchronous(dataSource());
            return standby;
        } catch (RuntimeException e) {
            standby.close();
            throw e;
        }
    }

    /**
     * Lets a standby take over, and waits until it can be written to. Whether the old primary is dead, it does not ask.
     *
     * @throws IllegalStateException if it cannot
     */
    public void promote() {
        DatabaseCopy.execute(dataSource(), "SELECT pg_promote()");
    }

    /** Kills the server and deletes its data. An external server is left alone. */
    @Override
    public void close() {
        if (folder != null) {
            remove();
            ServerProcesses.notAtExit(atExit);
        }
    }

    private void launch(Path own) {
        Path log = own.resolve("postgres.log");
        EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                .setPort(port())
                .setDataDirectory(own.resolve("data"))
                .setCleanDataDirectory(false)
                .setRegisterShutdownHook(false)
                .setPGStartupWait(START_WAIT)
                .setOutputRedirector(ProcessBuilder.Redirect.appendTo(log.toFile()))
                // Off by default there, and then a killed server forgets what it had committed last.
                .setServerConfig("synchronous_commit", "on")
                // In its folder, which is deleted: elsewhere a killed server leaves it behind.
                .setServerConfig("dynamic_shared_memory_type", "mmap")
                // A socket's lock file outlives a killed server, and its port may be the next one's.
                .setServerConfig("unix_socket_directories", "")
                .setErrorRedirector(ProcessBuilder.Redirect.appendTo(log.toFile()));
        settings.forEach(builder::setServerConfig);
        synchronized (lock) {
            try {
                server = builder.start();
            } catch (IOException | RuntimeException e) {
                throw new IllegalStateException(
                        "PostgreSQL did not start on port " + port() + "; its log ends with:\n"
                                + ServerProcesses.tail(log),
                        e);
            }
        }
    }

    /**
     * The killed server's lock files are deleted: its own close would try to stop a server that is gone, and a new one
     * would take a zombie for a server that runs.
     */
    private static void abandon(Path own) {
        try {
            Files.deleteIfExists(own.resolve("data").resolve("epg-lock"));
            Files.deleteIfExists(pidFile(own));
        } catch (IOException e) {
            throw new UncheckedIOException("the locks of " + own + " could not be deleted", e);
        }
    }

    /** The postmaster first: once stopped, it forks nobody while its children are being dealt with. */
    private void signal(String signal, String what) {
        ProcessHandle postmaster = postmaster(own(what), what);
        ServerProcesses.signal(signal, postmaster);
        family(postmaster).forEach(process -> ServerProcesses.signal(signal, process));
    }

    private static List<ProcessHandle> family(ProcessHandle postmaster) {
        return Stream.concat(Stream.of(postmaster), postmaster.descendants()).toList();
    }

    /** The postmaster; empty if it has ended by itself, as it does when it cannot write. */
    private Optional<ProcessHandle> living(Path own) {
        try {
            return Files.readAllLines(pidFile(own)).stream()
                    .findFirst()
                    .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid.trim())))
                    .filter(process -> isOf(process, own));
        } catch (NoSuchFileException ended) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("the process of PostgreSQL on port " + port() + " could not be found", e);
        }
    }

    /** The file outlives its server, and the number may be another process's by then: the postmaster names its folder. */
    private static boolean isOf(ProcessHandle process, Path own) {
        return process.info()
                .commandLine()
                .filter(command -> command.contains(own.resolve("data").toString()))
                .isPresent();
    }

    private static Path pidFile(Path own) {
        return own.resolve("data").resolve("postmaster.pid");
    }

    private ProcessHandle postmaster(Path own, String what) {
        Path file = pidFile(own);
        synchronized (lock) {
            if (server == null || !Files.exists(file)) {
                throw new IllegalStateException("PostgreSQL on port " + port() + " does not run and cannot be " + what);
            }
        }
        try (Stream<String> lines = Files.lines(file)) {
            long pid = Long.parseLong(lines.findFirst().orElseThrow().trim());
            return ProcessHandle.of(pid)
                    .filter(process -> isOf(process, own))
                    .orElseThrow(() -> new IllegalStateException(
                            "PostgreSQL on port " + port() + " has ended by itself; its log ends with:\n"
                                    + ServerProcesses.tail(own.resolve("postgres.log"))));
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL on port " + port() + " left no " + file, e);
        }
    }

    private void remove() {
        kill();
        ServerProcesses.delete(own("removed"));
    }

    private Path own(String what) {
        if (folder == null) {
            throw new UnsupportedOperationException(
                    "the PostgreSQL of DATABASE_URL or hapax.database.url is not ours and cannot be " + what
                            + "; use EmbeddedDatabase.start() for tests that break a server");
        }
        return folder;
    }
}

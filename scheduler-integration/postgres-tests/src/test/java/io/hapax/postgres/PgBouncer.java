package io.hapax.postgres;

import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.testkit.DatabaseAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** A real PgBouncer that lends a session of the server for one transaction at a time. */
final class PgBouncer implements AutoCloseable {

    static final String MISSING = "skipped: no pgbouncer here; install the Debian package pgbouncer";

    private static final int ATTEMPTS = 5;

    private final Process process;
    private final DatabaseAddress address;

    private PgBouncer(Process process, DatabaseAddress address) {
        this.process = process;
        this.address = address;
    }

    static boolean isThere() {
        try {
            return new ProcessBuilder("pgbouncer", "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException absent) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Starts one before a database, with so many sessions of the server. Somebody else may take the port that was free. */
    static PgBouncer before(DatabaseAddress database, int sessions, Path folder) throws IOException {
        for (int attempt = 1; ; attempt++) {
            PgBouncer bouncer = start(database, sessions, folder, freePort());
            await().until(() -> !bouncer.process.isAlive() || bouncer.answers());
            if (bouncer.process.isAlive()) {
                return bouncer;
            }
            if (attempt == ATTEMPTS) {
                Path log = folder.resolve("pgbouncer-" + bouncer.address.port() + ".log");
                throw new IOException("pgbouncer ended: " + Files.readString(log));
            }
        }
    }

    private static PgBouncer start(DatabaseAddress database, int sessions, Path folder, int port) throws IOException {
        // PgBouncer does not run as root, and what it runs as has to read these.
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path users = Files.writeString(folder.resolve("users-" + port), "\"" + database.user() + "\" \"\"\n");
        Path settings = Files.writeString(
                folder.resolve("pgbouncer-" + port + ".ini"),
                String.format(Locale.ROOT, """
                [databases]
                * = host=%s port=%d
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = %d
                unix_socket_dir =
                auth_type = trust
                auth_file = %s
                pool_mode = transaction
                default_pool_size = %d
                ignore_startup_parameters = extra_float_digits
                """, database.host(), database.port(), port, users, sessions));
        List<String> command = new ArrayList<>(List.of("pgbouncer", settings.toString()));
        if (System.getProperty("user.name").equals("root")) {
            command.addAll(1, List.of("-u", "nobody"));
        }
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("pgbouncer-" + port + ".log").toFile())
                .start();
        return new PgBouncer(
                process,
                new DatabaseAddress("127.0.0.1", port, database.database(), database.user(), database.password()));
    }

    private static int freePort() throws IOException {
        try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return any.getLocalPort();
        }
    }

    private boolean answers() {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), address.port())) {
            return socket.isConnected();
        } catch (IOException notYet) {
            return false;
        }
    }

    /** A pool of an application, which PgBouncer tells nothing. */
    HikariDataSource pool(int size, String parameters) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(address.jdbcUrl() + parameters);
        config.setUsername(address.user());
        config.setPassword(address.password());
        config.setMaximumPoolSize(size);
        return new HikariDataSource(config);
    }

    @Override
    public void close() {
        process.destroy();
        try {
            // It may wait for clients, which a failed test has left.
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(new IOException("interrupted while pgbouncer ended", e));
        }
    }
}

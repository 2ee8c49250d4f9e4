package io.hapax.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes what waits for a key, or for one of its slots, when the server notifies of a release of any of them. One connection a
 * process listens, from the first waiter until nobody has waited for a while. It needs a session of its own, so there is none behind
 * a pooler; notifications may be missed; so every wait also ends by itself. Thread-safe.
 */
final class WakeUps {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.postgres");

    private static final int LOOK_MILLIS = 200;
    /** A connection that died is noticed after so many looks. */
    private static final int LOOKS_BETWEEN_CHECKS = 25;
    /** How many looks the connection is kept when nobody waits. */
    private static final int IDLE_LOOKS = 150;

    private static final long RETRY_NANOS = Duration.ofSeconds(1).toNanos();

    private final Database database;
    private final DataSource source;
    private final String channel;
    private final boolean listens;
    private final ConcurrentHashMap<String, List<CompletableFuture<Void>>> waiting = new ConcurrentHashMap<>();
    private final AtomicBoolean listening = new AtomicBoolean();
    private final AtomicBoolean told = new AtomicBoolean();
    private volatile long failedAt = System.nanoTime() - RETRY_NANOS;
    private volatile boolean unavailable;
    private volatile boolean closed;

    WakeUps(Database database, DataSource source, String channel, boolean listens) {
        this.database = database;
        this.source = source;
        this.channel = channel;
        this.listens = listens;
    }

    CompletableFuture<Void> await(String family, Duration atMost) {
        CompletableFuture<Void> wait = new CompletableFuture<>();
        // What ends it comes first, so that one for which there is no memory half-way does not wait for ever.
        var unused = wait.whenComplete((ended, cancelled) -> forget(family, wait));
        database.endAfter(atMost, wait, () -> wait.complete(null));
        waiting.compute(family, (key, others) -> {
            List<CompletableFuture<Void>> all = others == null ? new CopyOnWriteArrayList<>() : others;
            all.add(wait);
            return all;
        });
        if (wait.isDone()) {
            forget(family, wait);
        }
        if (closed) {
            wait.complete(null);
            return wait;
        }
        listen();
        return wait;
    }

    /** How many calls of {@link #await} have not ended. */
    int waiters() {
        return waiting.values().stream().mapToInt(List::size).sum();
    }

    /** Whether a connection listens, or is about to. */
    boolean isListening() {
        return listening.get();
    }

    private void forget(String family, CompletableFuture<Void> wait) {
        waiting.computeIfPresent(family, (key, all) -> {
            all.removeIf(other -> other == wait);
            return all.isEmpty() ? null : all;
        });
    }

    private void wake(String family) {
        List<CompletableFuture<Void>> all = waiting.get(family);
        if (all != null) {
            all.forEach(wait -> wait.complete(null));
        }
    }

    /** Ends all waiting, and soon the connection. */
    void close() {
        closed = true;
        waiting.keySet().forEach(this::wake);
    }

    private void listen() {
        if (!listens || unavailable || closed || System.nanoTime() - failedAt < RETRY_NANOS) {
            return;
        }
        if (!listening.compareAndSet(false, true)) {
            return;
        }
        boolean started = false;
        try {
            started = Database.start("hapax-lease-wake-ups", this::run) != null;
        } finally {
            if (!started) {
                listening.set(false);
            }
        }
    }

    private void run() {
        try {
            connected();
        } catch (Throwable failure) {
            failedAt = System.nanoTime();
            LOG.debug("no wake-ups for now, waiting runs poll: {}", failure.toString());
        } finally {
            listening.set(false);
        }
        if (!waiting.isEmpty()) {
            listen();
        }
    }

    private void connected() throws SQLException {
        DataSource own = HikariPools.another(source, "wake-ups", database.answerTimeout());
        try (Connection connection = (own == null ? source : own).getConnection()) {
            int networkTimeout = connection.getNetworkTimeout();
            boolean autoCommit = connection.getAutoCommit();
            connection.setNetworkTimeout(
                    Runnable::run, (int) database.answerTimeout().toMillis());
            connection.setAutoCommit(true);
            try {
                Optional<Driver> driver = Driver.of(connection);
                if (driver.isEmpty() || !driver.get().isDirect(connection)) {
                    cannot(
                            driver.isEmpty()
                                    ? "the driver is not PostgreSQL's"
                                    : "a pooler, as PgBouncer, is in between");
                    return;
                }
                execute(connection, "LISTEN " + channel);
                // What was released before went unheard.
                waiting.keySet().forEach(this::wake);
                hear(connection, driver.get());
                execute(connection, "UNLISTEN " + channel);
            } finally {
                if (!connection.isClosed()) {
                    connection.setAutoCommit(autoCommit);
                    connection.setNetworkTimeout(Runnable::run, networkTimeout);
                }
            }
        } finally {
            if (own instanceof AutoCloseable pool) {
                Connections.closeQuietly(pool);
            }
        }
    }

    private void hear(Connection connection, Driver driver) throws SQLException {
        int idle = 0;
        for (int looks = 1; !closed && idle < IDLE_LOOKS; looks++) {
            driver.notifications(LOOK_MILLIS).forEach(this::wake);
            idle = waiting.isEmpty() ? idle + 1 : 0;
            if (looks % LOOKS_BETWEEN_CHECKS == 0) {
                execute(connection, "LISTEN " + channel);
            }
        }
    }

    /** Noted once. */
    private void cannot(String why) {
        unavailable = true;
        if (told.compareAndSet(false, true)) {
            LOG.info(
                    "nobody can be woken by PostgreSQL, as {}, so no session listens: runs that wait for a key ask again"
                            + " every second at least",
                    why);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}

package io.hapax.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * One connection that stays open, for one thread at a time: its user does not wait until another one gives one back. It
 * is looked at before each use, and another one is opened if it broke. Closing is thread-safe.
 */
final class KeptConnection implements Connections {

    private static final int SECONDS_TO_ANSWER = 1;

    private final DataSource source;
    /** Null while it is in use. */
    private final AtomicReference<@Nullable Connection> idle = new AtomicReference<>();

    private volatile boolean closed;

    /**
     * Keeps a connection.
     *
     * @param source where further ones come from
     * @param first the one that is kept
     */
    KeptConnection(DataSource source, Connection first) {
        this.source = source;
        this.idle.set(first);
    }

    @Override
    public Connection take() throws SQLException {
        Connection kept = idle.getAndSet(null);
        if (kept != null) {
            boolean isTaken = false;
            try {
                isTaken = isAlive(kept);
                if (isTaken) {
                    return kept;
                }
            } finally {
                if (!isTaken) {
                    Connections.closeQuietly(kept);
                }
            }
        }
        return source.getConnection();
    }

    private static boolean isAlive(Connection connection) {
        try {
            return connection.isValid(SECONDS_TO_ANSWER);
        } catch (SQLException broken) {
            return false;
        }
    }

    @Override
    public void giveBack(Connection connection, boolean failed) {
        if (failed || closed || !idle.compareAndSet(null, connection)) {
            Connections.closeQuietly(connection);
        } else if (closed) {
            close();
        }
    }

    @Override
    public void close() {
        closed = true;
        Connection kept = idle.getAndSet(null);
        if (kept != null) {
            Connections.closeQuietly(kept);
        }
    }
}

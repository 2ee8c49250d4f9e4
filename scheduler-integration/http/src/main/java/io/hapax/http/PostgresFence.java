package io.hapax.http;

import io.hapax.lease.FencingToken;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/**
 * A fence that all receivers on a PostgreSQL share: one row for each fencing key, in the table {@code hapax_fence}. Each request is
 * a transaction of its own. Thread-safe.
 */
public final class PostgresFence implements Fence {

    static final int SWEEP_EVERY = 200;

    private static final String TABLE = """
            CREATE TABLE IF NOT EXISTS hapax_fence (
              key text PRIMARY KEY,
              token bigint NOT NULL,
              seen_at timestamptz NOT NULL
            )""";

    private static final String RAISE = """
            INSERT INTO hapax_fence AS fence (key, token, seen_at) VALUES (?, ?, clock_timestamp())
            ON CONFLICT (key) DO UPDATE
            SET token = greatest(fence.token, excluded.token), seen_at = clock_timestamp()
            RETURNING token""";

    private static final String FORGET =
            "DELETE FROM hapax_fence WHERE seen_at < clock_timestamp() - ? * interval '1 millisecond'";

    private final DataSource database;
    private final long retention;
    private final AtomicInteger raised = new AtomicInteger();

    private PostgresFence(DataSource database, long retention) {
        this.database = database;
        this.retention = retention;
    }

    /**
     * Creates a fence on a table that is there: see {@link #createTable}.
     *
     * @param database where the table is, in the search path
     * @param retention for how long a key is remembered at least after its last request: longer than a request may be late
     * @return the fence
     * @throws IllegalArgumentException if the retention is not positive
     */
    public static PostgresFence of(DataSource database, Duration retention) {
        return new PostgresFence(database, Retention.checked(retention).toMillis());
    }

    /**
     * Creates the table {@code hapax_fence (key text PRIMARY KEY, token bigint NOT NULL, seen_at timestamptz NOT NULL)} unless it is
     * there.
     *
     * @return this fence
     * @throws FenceException if the database refuses
     */
    public PostgresFence createTable() {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(TABLE);
            commit(connection);
            return this;
        } catch (SQLException e) {
            throw new FenceException("the table hapax_fence cannot be created", e);
        }
    }

    @Override
    public FencingToken raise(String key, FencingToken token) {
        try (Connection connection = database.getConnection()) {
            FencingToken highest = raise(connection, key, token);
            if (raised.incrementAndGet() % SWEEP_EVERY == 0) {
                forget(connection);
            }
            commit(connection);
            return highest;
        } catch (SQLException e) {
            throw new FenceException("the fence of '" + key + "' in PostgreSQL cannot be asked", e);
        }
    }

    private static FencingToken raise(Connection connection, String key, FencingToken token) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(RAISE)) {
            statement.setString(1, key);
            statement.setLong(2, token.value());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new FencingToken(row.getLong(1));
            }
        }
    }

    private void forget(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(FORGET)) {
            statement.setLong(1, retention);
            statement.executeUpdate();
        }
    }

    /** Pools may have auto-commit off. */
    private static void commit(Connection connection) throws SQLException {
        if (!connection.getAutoCommit()) {
            connection.commit();
        }
    }
}

package io.hapax.worker;

import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does the sample jobs' work, step by step, and writes down what happened, by the database's clock and outside of the
 * guard: that a run started, each of its steps, and its effect at the end.
 *
 * <p>Before each step the run asks whether it still holds its lease, as any careful job does.
 */
final class RunRecorder {

    private static final Logger LOG = LoggerFactory.getLogger(RunRecorder.class);
    static final Duration STEP = Duration.ofMillis(100);
    static final String SCHEMA = """
            CREATE TABLE demo_run (id bigserial PRIMARY KEY, part text NOT NULL, kind text NOT NULL,
              occurrence text NOT NULL, lock_group text NOT NULL, worker text NOT NULL, effect_at timestamptz);
            CREATE TABLE demo_step (run bigint NOT NULL REFERENCES demo_run, at timestamptz NOT NULL);
            CREATE INDEX demo_step_run ON demo_step (run)
            """;
    private static final String BEGIN = """
            WITH started AS (INSERT INTO demo_run (part, kind, occurrence, lock_group, worker) VALUES (?, ?, ?, ?, ?)
              RETURNING id)
            INSERT INTO demo_step SELECT id, clock_timestamp() FROM started RETURNING run
            """;
    private static final String ADD_STEP = "INSERT INTO demo_step VALUES (?, clock_timestamp())";
    private static final String TAKE_EFFECT = "UPDATE demo_run SET effect_at = clock_timestamp() WHERE id = ?";

    private final @Nullable DataSource database;
    private final String part;
    private final String worker;

    RunRecorder(@Nullable DataSource database, String part, String worker) {
        this.database = database;
        this.part = part;
        this.worker = worker;
    }

    void run(Kind kind, String occurrence, String group, Duration work) throws InterruptedException {
        if (part.isEmpty()) {
            LOG.info("{} {} running", kind, occurrence);
            Thread.sleep(work.toMillis());
            return;
        }
        stillHeld();
        long run = begin(kind, occurrence, group);
        for (long left = work.toMillis(); left > 0; left -= STEP.toMillis()) {
            Thread.sleep(Math.min(left, STEP.toMillis()));
            stillHeld();
            execute(ADD_STEP, run);
        }
        stillHeld();
        execute(TAKE_EFFECT, run);
    }

    private Connection connection() throws SQLException {
        if (database == null) {
            throw new SQLException("there is no database to record runs in");
        }
        return database.getConnection();
    }

    private static void stillHeld() {
        CurrentRun.find().ifPresent(GuardedRun::ensureHeld);
    }

    private long begin(Kind kind, String occurrence, String group) {
        try (Connection connection = connection();
                PreparedStatement insert = connection.prepareStatement(BEGIN)) {
            insert.setString(1, part);
            insert.setString(2, kind.name());
            insert.setString(3, occurrence);
            insert.setString(4, group);
            insert.setString(5, worker);
            try (ResultSet row = insert.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        } catch (SQLException e) {
            throw new IllegalStateException("the run could not be recorded", e);
        }
    }

    private void execute(String sql, long run) {
        try (Connection connection = connection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, run);
            statement.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException("the run could not be recorded", e);
        }
    }
}

package io.hapax.benchmarks.faults.work;

import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.World;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;

/**
 * The job: looks whether its effects are there already, works in small steps, and then takes effect on three resources: a
 * file, a store that checks fencing tokens, and a row in PostgreSQL. All the while it tells the observer.
 *
 * <p>That it looks first makes it as idempotent as most careful jobs are; what goes wrong goes wrong between the look and the
 * effect.
 */
final class Work {

    static final String SCHEMA =
            "CREATE TABLE IF NOT EXISTS effect (id bigserial PRIMARY KEY, occurrence text NOT NULL,"
                    + " worker text NOT NULL, run text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())";

    private static final String EXISTS = "SELECT 1 FROM effect WHERE occurrence = ?";
    private static final String INSERT = "INSERT INTO effect (occurrence, worker, run) VALUES (?, ?, ?)";
    private static final long STEP_MILLIS = 20;
    private static final int DWELLING_STEPS = 15;

    private final World world;
    private final DataSource database;
    private final String worker;
    private final SyncPoints points;
    private final BooleanSupplier rollbacks;

    /** Rolls transactions back at their end while that is wanted. */
    Work(World world, DataSource database, String worker, SyncPoints points, BooleanSupplier rollbacks) {
        this.world = world;
        this.database = database;
        this.worker = worker;
        this.points = points;
        this.rollbacks = rollbacks;
    }

    void perform(Occurrence occurrence, Held held) throws SQLException, InterruptedException {
        String run = worker + "-" + UUID.randomUUID().toString().substring(0, 13);
        String token = held.token().isPresent() ? Long.toString(held.token().getAsLong()) : "-";
        world.tell(EventType.BEGIN, run, occurrence.kind(), occurrence.id(), occurrence.key(), token, held.owner());
        held.onLost(reason -> world.tell(EventType.TOLD, run, reason));
        String outcome = "failed";
        try {
            work(run, occurrence, held, token);
            outcome = "done";
        } finally {
            held.end(outcome, how -> {
                world.tell(EventType.END, run, how);
                awaitWritten();
            });
        }
    }

    /** A firing was refused, and is to be tried again. */
    void waits(String occurrence) {
        world.tell(EventType.WAITS, worker, occurrence);
    }

    /** Before the lock is given back: what the observer reads late it takes for late, and the next run reads like one too early. */
    private void awaitWritten() {
        String unused = world.ask("done", "-");
    }

    /** Is at one of several places of a lock key, and has no effect. */
    void dwell(String key, int limit, HapaxGuarding.Lease held) throws InterruptedException {
        String run = worker + "-" + UUID.randomUUID().toString().substring(0, 13);
        String token = Long.toString(held.token().getAsLong());
        world.tell(EventType.BEGIN, run, "PLACE", run, held.key(), token, held.owner());
        world.tell(EventType.LIMIT, run, key, limit);
        held.onLost(reason -> world.tell(EventType.TOLD, run, reason));
        try {
            for (int step = 0; step < DWELLING_STEPS; step++) {
                Thread.sleep(STEP_MILLIS);
                held.check();
                world.tell(EventType.STEP, run);
            }
        } finally {
            world.tell(EventType.END, run, "done");
            awaitWritten();
        }
    }

    private void work(String run, Occurrence occurrence, Held held, String token)
            throws SQLException, InterruptedException {
        if (!token.equals("-")) {
            world.ask("raise", occurrence.key(), token);
        }
        String done = world.ask("done", occurrence.id());
        long end = System.nanoTime() + occurrence.length().toNanos();
        while (System.nanoTime() - end < 0) {
            Thread.sleep(STEP_MILLIS);
            if (occurrence.isCareful()) {
                held.check();
            }
            world.tell(EventType.STEP, run);
        }
        held.checkThoroughly();
        points.reach(SyncPoints.BEFORE_EFFECT);
        if (!done.contains("filed")) {
            world.ask("file", run, occurrence.id());
        }
        if (!token.equals("-") && !done.contains("stored")) {
            world.ask("store", run, occurrence.id(), occurrence.key(), token);
        }
        insert(run, occurrence, held);
        if (!held.isCommittedByCaller()) {
            committed();
        }
    }

    /** Is called just before a commit. */
    void commits() {
        points.reach(SyncPoints.AT_COMMIT);
    }

    /** Is called after a commit. */
    void committed() {
        points.reach(SyncPoints.AFTER_COMMIT);
    }

    /** Whether transactions are to be rolled back at their end. */
    boolean rollsBack() {
        return rollbacks.getAsBoolean();
    }

    private void insert(String run, Occurrence occurrence, Held held) throws SQLException {
        try (Connection connection = held.connection(database)) {
            if (held.isFenced() || !exists(connection, occurrence.id())) {
                try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
                    insert.setString(1, occurrence.id());
                    insert.setString(2, worker);
                    insert.setString(3, run);
                    insert.executeUpdate();
                }
            }
            world.tell(EventType.STEP, run);
            points.reach(SyncPoints.BEFORE_COMMIT);
            if (held.isCommittedByCaller()) {
                return;
            }
            held.completeIn(connection);
            if (rollsBack()) {
                connection.rollback();
                throw new SQLException("rolled back by somebody around it");
            }
            commits();
            connection.commit();
        }
    }

    private static boolean exists(Connection connection, String occurrence) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(EXISTS)) {
            select.setString(1, occurrence);
            return select.executeQuery().next();
        }
    }
}

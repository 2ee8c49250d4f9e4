package io.hapax.benchmarks.faults;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;

/** What can go wrong in the moment of a commit. */
final class Commits {

    private static final String END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            + " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";

    private static final String PLACE = "at-commit";
    private static final long REACHING_NANOS = TimeUnit.SECONDS.toNanos(15);
    private static final int TIMES = 5;

    private final FleetServers servers;
    private final Broker broker;

    Commits(FleetServers servers, Broker broker) {
        this.servers = servers;
        this.broker = broker;
    }

    void endSessions() throws SQLException {
        try (Connection connection = servers.database().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(END_SESSIONS);
        }
    }

    /** Ends all sessions, the first time before the commit arrives, the last time after its answer has left. */
    void cut() throws IOException, InterruptedException, SQLException {
        try (Connection connection = servers.database().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            for (int millis = 0; millis < TIMES; millis++) {
                broker.order(reach(), "disarm");
                Thread.sleep(millis);
                statement.execute(END_SESSIONS);
                Thread.sleep(500);
            }
        }
    }

    /** The commit gets there, and its answer does not get back. */
    void loseReply() throws IOException, InterruptedException {
        String worker = reach();
        TcpProxy line = servers.lineToDatabase(worker);
        line.set(TcpProxy.Mode.HOLD_ANSWERS);
        broker.order(worker, "disarm");
        Thread.sleep(500);
        line.set(TcpProxy.Mode.CUT);
        Thread.sleep(500);
        line.heal();
    }

    /** The worker of which a run comes to its commit first: any one, as others may stand still or be split off. */
    private String reach() throws IOException, InterruptedException {
        Fleet.WORKERS.forEach(worker -> broker.order(worker, "arm " + PLACE));
        long start = System.nanoTime();
        while (System.nanoTime() - start < REACHING_NANOS) {
            for (String worker : Fleet.WORKERS) {
                if (broker.hasReached(worker, PLACE)) {
                    Fleet.WORKERS.stream()
                            .filter(other -> !other.equals(worker))
                            .forEach(other -> broker.order(other, "disarm"));
                    return worker;
                }
            }
            Thread.sleep(1);
        }
        Fleet.WORKERS.forEach(worker -> broker.order(worker, "disarm"));
        throw new IOException("no worker came to a commit");
    }
}

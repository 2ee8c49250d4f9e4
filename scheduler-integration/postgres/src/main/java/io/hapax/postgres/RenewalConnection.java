package io.hapax.postgres;

import io.hapax.lease.Finding;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds a connection that renewals have for themselves. Jobs that hold every connection of their pool would else keep their
 * own claims, and those of all others, from being renewed.
 *
 * @param jobs the pool of the jobs and of everything else
 * @param given what the application has set aside for renewals, or null
 * @param connections how many of the pool's are used at once besides
 * @param placeQuery tells which tables a connection sees
 */
record RenewalConnection(DataSource jobs, @Nullable DataSource given, int connections, String placeQuery) {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.postgres");

    /** Chooses one; the database's threads and time-out are those of everything else. */
    Connections choose(Database database) throws SQLException {
        if (given != null) {
            if (!place(given).equals(place(jobs))) {
                throw database.service()
                        .failure(Finding.error(
                                "setting renewals: it leads to another database, or to other tables, than the own source of "
                                        + database.service(),
                                "Give both the same address and search_path"));
            }
            return new Connections.Pooled(given, false);
        }
        int size = HikariPools.size(jobs);
        if (size > 0 && size <= connections) {
            LOG.warn(
                    "the pool of {} has {} connections, and {} works with up to {} at once: jobs that"
                            + " hold a connection keep it waiting. Set maximumPoolSize to {} more than"
                            + " the number of jobs that run at once",
                    database.service(),
                    size,
                    database.service(),
                    connections,
                    connections);
        }
        return size > 0 ? besides(database) : kept(database);
    }

    private static String remedy(Service service) {
        return "Give " + service + " a source of its own for renewals: " + service.type()
                + ".builder(...).renewals(...), in Spring Boot as a bean";
    }

    private String place(DataSource source) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery(placeQuery)) {
            row.next();
            return row.getString(1);
        } catch (SQLException e) {
            throw new SQLException("setting renewals: " + e.getMessage(), e.getSQLState(), e);
        }
    }

    /** One more than the pool has, with the same settings. */
    private Connections besides(Database database) {
        DataSource another = HikariPools.another(jobs, "renewals", database.answerTimeout());
        if (another != null) {
            Connections own = new Connections.Pooled(another, true);
            try (Connection first = another.getConnection()) {
                return own;
            } catch (SQLException e) {
                own.close();
                LOG.warn(
                        "renewals of {} have no connection of their own beside the pool: {}. While jobs hold all"
                                + " of the pool's, {} are not renewed. {}",
                        database.service().renewed(),
                        DatabaseTrouble.of(e),
                        database.service().renewed(),
                        remedy(database.service()));
            }
        }
        return new Connections.Pooled(jobs, false);
    }

    /** One of the pool's, if that leaves any. */
    private Connections kept(Database database) throws SQLException {
        Connection first = jobs.getConnection();
        if (hasAnother(database)) {
            return new KeptConnection(jobs, first);
        }
        first.close();
        LOG.warn(
                "the pool of {} has a single free connection, so renewals of {} have none of their own:"
                        + " while jobs hold it, {} are not renewed. {}",
                database.service(),
                database.service().renewed(),
                database.service().renewed(),
                remedy(database.service()));
        return new Connections.Pooled(jobs, false);
    }

    private boolean hasAnother(Database database) {
        CompletableFuture<Boolean> there = new CompletableFuture<>();
        database.execute(() -> {
            try (Connection second = jobs.getConnection()) {
                there.complete(true);
            } catch (SQLException | RuntimeException none) {
                there.complete(false);
            }
        });
        try {
            return there.get(database.answerTimeout().toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException | TimeoutException none) {
            return false;
        }
    }
}

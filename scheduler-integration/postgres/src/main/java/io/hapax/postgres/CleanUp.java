package io.hapax.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Forgets what nobody needs any more, from time to time, in small batches; rows that anybody has locked are left for the next time. */
final class CleanUp {

    static final int BATCH = 500;
    static final int MOST_BATCHES = 20;
    /** Where more occurrences end than one round forgets, the next round comes soon; requests get their turn between. */
    private static final Duration CATCH_UP = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.postgres");

    /** A statement, or a transaction, that forgets one batch. */
    interface Batch {
        /** Returns how many rows it concerned. */
        int on(Connection connection, int atMost) throws SQLException;
    }

    private final Database database;
    private final Duration every;
    private final List<Batch> kinds;
    private final Runnable round = this::runQuietly;
    private volatile boolean closed;
    private volatile boolean behind;

    /**
     * Cleans up.
     *
     * @param kinds of rows, in order; what is reported is how many of the last were forgotten
     */
    CleanUp(Database database, Duration every, List<Batch> kinds) {
        this.database = database;
        this.every = every;
        this.kinds = kinds;
    }

    void start() {
        if (!every.isZero()) {
            database.after(next(), round);
        }
    }

    /** Workers that start together do not clean up together. */
    private Duration next() {
        long millis = behind ? Math.min(CATCH_UP.toMillis(), every.toMillis()) : every.toMillis();
        long wait = millis / 2 + ThreadLocalRandom.current().nextLong(Math.max(1, millis));
        return Duration.ofMillis(wait);
    }

    private void runQuietly() {
        if (closed) {
            return;
        }
        try {
            run();
        } catch (Throwable e) {
            LOG.warn(
                    "the {}'s clean-up failed and is tried again in about {}: {}",
                    database.service().noun(),
                    every,
                    (e instanceof SQLException sql ? DatabaseTrouble.of(sql) : e).toString());
        } finally {
            database.again(next(), round);
        }
    }

    /** How many rows of the last kind were forgotten. */
    int run() throws SQLException {
        behind = false;
        int forgotten = 0;
        SQLException first = null;
        for (Batch kind : kinds) {
            try {
                forgotten = inBatches(kind);
            } catch (SQLException failure) {
                // What cannot be forgotten must not keep the rest.
                first = first == null ? failure : first;
            }
        }
        if (first != null) {
            throw first;
        }
        if (forgotten > 0) {
            LOG.debug("{} forgot {} rows that nobody needs any more", database.service(), forgotten);
        }
        return forgotten;
    }

    private int inBatches(Batch kind) throws SQLException {
        int all = 0;
        for (int n = 0; n < MOST_BATCHES && !closed; n++) {
            int count = database.call(connection -> kind.on(connection, BATCH));
            all += count;
            if (count < BATCH) {
                return all;
            }
        }
        behind = true;
        return all;
    }

    void close() {
        closed = true;
    }
}

package io.hapax.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** What is known of a pool if it is HikariCP's; an application with another pool need not have that library. */
final class HikariPools {

    private static final boolean THERE = isThere();
    private static final long SHORTEST_TIMEOUT = 250;

    private HikariPools() {}

    private static boolean isThere() {
        try {
            return HikariDataSource.class.getName() != null;
        } catch (NoClassDefFoundError absent) {
            return false;
        }
    }

    /** How many connections it has at most; 0 if it is another pool. */
    static int size(DataSource source) {
        return THERE ? Known.size(source) : 0;
    }

    /** A pool of one connection to the same place, which the caller closes; null if it is another pool. */
    static @Nullable DataSource another(DataSource source, String use, Duration answerTimeout) {
        return THERE ? Known.another(source, use, answerTimeout) : null;
    }

    /** Loaded only where the library is. */
    private static final class Known {

        static int size(DataSource source) {
            return source instanceof HikariDataSource pool ? pool.getMaximumPoolSize() : 0;
        }

        static @Nullable DataSource another(DataSource source, String use, Duration answerTimeout) {
            if (!(source instanceof HikariDataSource pool)) {
                return null;
            }
            HikariConfig config = new HikariConfig();
            pool.copyStateTo(config);
            config.setPoolName(pool.getPoolName() + " " + use);
            config.setMaximumPoolSize(1);
            config.setMinimumIdle(1);
            config.setConnectionTimeout(Math.max(SHORTEST_TIMEOUT, answerTimeout.toMillis()));
            config.setValidationTimeout(Math.max(SHORTEST_TIMEOUT, answerTimeout.toMillis() / 2));
            config.setInitializationFailTimeout(-1);
            config.setRegisterMbeans(false);
            config.setHealthCheckRegistry(null);
            if (config.getMetricRegistry() != null) {
                config.setMetricRegistry(null);
            } else {
                config.setMetricsTrackerFactory(null);
            }
            return new HikariDataSource(config);
        }
    }
}

package io.hapax.worker;

import io.hapax.cli.PostgresAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Redis and PostgreSQL for the demo: those of {@code REDIS_URL} and {@code DATABASE_URL}, else embedded ones.
 *
 * <p>The embedded ones are not in the packaged jar. So only {@link Embedded} names their types: this class can be loaded
 * without them.
 */
final class DemoServers implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DemoServers.class);

    private final Deque<Runnable> toClose = new ConcurrentLinkedDeque<>();
    private final String redisUrl;
    private final String jdbcUrl;

    private DemoServers(Map<String, String> env) {
        String redis = env.getOrDefault("REDIS_URL", "");
        String database = env.getOrDefault("DATABASE_URL", "");
        // A wrong address is reported before anything is started.
        String given = database.isBlank() ? "" : PostgresAddress.jdbcUrl("DATABASE_URL", database);
        this.redisUrl = redis.isBlank() ? started("REDIS_URL", () -> Embedded.redis(toClose)) : redis;
        this.jdbcUrl = given.isEmpty() ? started("DATABASE_URL", () -> Embedded.database(toClose)) : given;
    }

    static DemoServers start(Map<String, String> env) {
        return new DemoServers(env);
    }

    private String started(String variable, Supplier<String> server) {
        try {
            return server.get();
        } catch (NoClassDefFoundError notPackaged) {
            close();
            throw new IllegalStateException(
                    "the packaged jar has no servers for the demo in it: set " + variable
                            + ", or run 'mvn -q -Pdemo' in the source folder",
                    notPackaged);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    String redisUrl() {
        return redisUrl;
    }

    /** Creates an empty schema; it is dropped at the end. Returns the address under which its tables are seen. */
    String schema(String name) {
        execute("CREATE SCHEMA " + name);
        toClose.push(() -> drop(name));
        return jdbcUrl + (jdbcUrl.contains("?") ? "&" : "?") + "currentSchema=" + name;
    }

    private void drop(String name) {
        try {
            execute("SET lock_timeout = '5s'; DROP SCHEMA " + name + " CASCADE");
        } catch (IllegalStateException e) {
            LOG.warn("the schema {} is left behind: {}", name, e.getMessage());
        }
    }

    private void execute(String sql) {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException("the demo's database refused '" + sql + "': " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        for (Runnable next = toClose.poll(); next != null; next = toClose.poll()) {
            next.run();
        }
    }

    private static final class Embedded {

        private Embedded() {}

        static String redis(Deque<Runnable> toClose) {
            EmbeddedRedis redis = EmbeddedRedis.start();
            toClose.push(redis::close);
            return redis.url();
        }

        static String database(Deque<Runnable> toClose) {
            EmbeddedDatabase database = EmbeddedDatabase.start();
            toClose.push(database::close);
            return database.jdbcUrl() + "?user=" + database.user() + "&password=" + database.password();
        }
    }
}

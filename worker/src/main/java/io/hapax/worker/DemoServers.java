package io.hapax.worker;

import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The servers of the demo: embedded ones, or those that {@code REDIS_URL} and {@code DATABASE_URL} name. The packaged jar
 * has no embedded servers, so no class that is loaded without the demo may refer to them.
 */
final class DemoServers implements AutoCloseable {

    private final @Nullable EmbeddedRedis redis;
    private final @Nullable EmbeddedDatabase database;

    private DemoServers(@Nullable EmbeddedRedis redis, @Nullable EmbeddedDatabase database) {
        this.redis = redis;
        this.database = database;
    }

    static DemoServers start() {
        try {
            return new DemoServers(
                    System.getenv("REDIS_URL") == null ? EmbeddedRedis.start() : null,
                    System.getenv("DATABASE_URL") == null ? EmbeddedDatabase.start() : null);
        } catch (NoClassDefFoundError packaged) {
            throw new IllegalStateException(
                    "the packaged jar has no embedded servers: run the demo from the sources by mvn -q -Pdemo, or set REDIS_URL and DATABASE_URL",
                    packaged);
        }
    }

    String redisUrl() {
        return redis == null ? String.valueOf(System.getenv("REDIS_URL")) : redis.url();
    }

    /** A database of its own for each part, so that it begins with empty tables. */
    String database(String part) {
        if (database == null) {
            return WorkerSettings.jdbcUrl(String.valueOf(System.getenv("DATABASE_URL")));
        }
        return url(database.createDatabase(
                part + "_" + UUID.randomUUID().toString().substring(0, 8)));
    }

    /** The whole address, as a worker process is given it. */
    static String url(DatabaseAddress database) {
        String url = database.jdbcUrl();
        return url + (url.contains("?") ? "&" : "?") + "user=" + database.user() + "&password=" + database.password();
    }

    @Override
    public void close() {
        if (redis != null) {
            redis.close();
        }
        if (database != null) {
            database.close();
        }
    }
}

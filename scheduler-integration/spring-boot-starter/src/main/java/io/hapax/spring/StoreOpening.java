package io.hapax.spring;

import io.hapax.RunOptions;
import io.hapax.Setting;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.NamespaceRules;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.redis.RedissonLeaseStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RedissonClient;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.core.env.Environment;

/** Turns settings into options and a store; errors name the setting that is wrong. */
record StoreOpening(HapaxProperties settings, Environment environment) {

    /** Of a database. */
    private static final Duration SHORTEST_ANSWER = Duration.ofMillis(100);

    /** Words of their drivers. Whatever speaks PostgreSQL's protocol is tried. */
    private static final List<String> OTHER_DATABASES =
            List.of("H2", "HSQL", "Derby", "SQLite", "MySQL", "MariaDB", "Oracle", "Microsoft SQL Server", "DB2");

    private static final Pattern DASHED = Pattern.compile("-([a-z])");

    /** The options of runs that say nothing else. */
    RunOptions options(RunOptions before) {
        Map<String, String> layer = new LinkedHashMap<>();
        settings.getDefaults().forEach((name, value) -> layer.put(camelCase(name), value));
        Duration besideJobRunr = JobRunrTimeout.of(environment).fittingTtl(answerTimeout());
        if (besideJobRunr != null) {
            layer.putIfAbsent(Setting.TTL.name(), besideJobRunr.toMillis() + "ms");
        }
        for (Map.Entry<String, String> each : layer.entrySet()) {
            check("hapax.defaults." + each.getKey(), () -> before.with(each.getKey(), each.getValue()));
        }
        return check("hapax.defaults", () -> {
            RunOptions options = before.with(layer);
            options.requireConsistent();
            return options;
        });
    }

    private static String camelCase(String name) {
        return DASHED.matcher(name).replaceAll(found -> found.group(1).toUpperCase(Locale.ROOT));
    }

    /** Opens the store that the settings name. */
    LeaseStore open(
            ObjectProvider<RedissonClient> client,
            ObjectProvider<DataSource> dataSource,
            Supplier<Optional<ServiceConnection>> service,
            ObjectProvider<SslBundles> bundles) {
        return settings.getLeases() == HapaxProperties.Leases.POSTGRES
                ? inPostgres(source("hapax.leases", "leases in PostgreSQL need", "a LeaseStore", dataSource))
                : inRedis(client.getIfUnique(), service, bundles);
    }

    /** The one that the application has. */
    static DataSource source(String setting, String whoNeeds, String otherwise, ObjectProvider<DataSource> dataSource) {
        DataSource source = dataSource.getIfUnique();
        if (source == null) {
            throw new InvalidSettingException(
                    setting,
                    whoNeeds + " one DataSource bean for PostgreSQL, and there is none, or there are several",
                    "Set spring.datasource.url, mark one DataSource as @Primary, or define " + otherwise + " bean",
                    null);
        }
        requirePostgres(setting, whoNeeds, source);
        return source;
    }

    /** Else the first statement would fail, with words of that database. */
    private static void requirePostgres(String setting, String whoNeeds, DataSource source) {
        String product;
        try (Connection connection = source.getConnection()) {
            product = connection.getMetaData().getDatabaseProductName();
        } catch (SQLException unreachable) {
            // The component that needs it reports this, with what is known of PostgreSQL's errors.
            return;
        }
        if (OTHER_DATABASES.stream().anyMatch(product::contains)) {
            throw new InvalidSettingException(
                    setting,
                    whoNeeds + " PostgreSQL, and the DataSource is " + product,
                    "Point spring.datasource.url at PostgreSQL, or do without: "
                            + (setting.equals("hapax.leases") ? "hapax.leases=redis" : setting + "=false"),
                    null);
        }
    }

    private LeaseStore inPostgres(DataSource source) {
        HapaxProperties.Postgres postgres = settings.getPostgres();
        try {
            return check("hapax.postgres", () -> {
                PostgresLeaseStore.Builder builder = PostgresLeaseStore.builder(source)
                        .namespace(namespace())
                        .migrate(postgres.isMigrate())
                        .answerTimeout(postgresTimeout(postgres.getAnswerTimeout()));
                String schema = postgres.getSchema();
                return (schema == null ? builder : builder.schema(schema)).build();
            });
        } catch (LeaseStoreException trouble) {
            throw new InvalidSettingException(
                    "hapax.leases",
                    String.valueOf(trouble.getMessage()),
                    "Check spring.datasource; where its user may not create tables, let somebody else apply"
                            + " hapax-leases-1.sql, and set hapax.postgres.migrate=false",
                    trouble);
        }
    }

    /** How long PostgreSQL may take to answer, for leases or for the ledger. */
    Duration postgresTimeout(@Nullable Duration chosen) {
        if (chosen != null) {
            return chosen;
        }
        Duration fitting = options(RunOptions.DEFAULTS).fittingAnswerTimeout();
        return fitting.compareTo(SHORTEST_ANSWER) < 0 ? SHORTEST_ANSWER : fitting;
    }

    private LeaseStore inRedis(
            @Nullable RedissonClient client,
            Supplier<Optional<ServiceConnection>> service,
            ObjectProvider<SslBundles> bundles) {
        HapaxProperties.Redis redis = settings.getRedis();
        String url = redis.getUrl() == null ? "" : redis.getUrl().trim();
        boolean named = !url.isEmpty();
        if (named && !redis.getQuorum().isEmpty()) {
            throw new InvalidSettingException(
                    "hapax.redis.url and hapax.redis.quorum",
                    "leases are kept on one server or on a quorum of several, not on both",
                    "Leave out one of them",
                    null);
        }
        RedissonLeaseStore.Builder builder = check("hapax.redis", this::builder);
        if (!redis.getQuorum().isEmpty()) {
            return opened("hapax.redis.quorum", () -> builder.quorum(redis.getQuorum()));
        }
        if (named) {
            return opened("hapax.redis.url", () -> builder.url(url).build());
        }
        if (client != null) {
            return opened(
                    "the RedissonClient bean", () -> builder.client(client).build());
        }
        return ofSpring(builder, check("the service connection to Redis", service::get), bundles);
    }

    /** What the application has of Spring Boot; a service connection takes the place of settings there, too. */
    private LeaseStore ofSpring(
            RedissonLeaseStore.Builder builder,
            Optional<ServiceConnection> service,
            ObjectProvider<SslBundles> bundles) {
        if (service.isPresent()) {
            ServiceConnection known = service.get();
            return opened(known.where(), () -> ofSpring(builder, known.redis(), known.bundle()));
        }
        Optional<SpringRedis> set = SpringRedis.of(environment);
        if (set.isPresent()) {
            SpringRedis known = set.get();
            return opened(known.where(), () -> ofSpring(builder, known, known.named(bundles)));
        }
        throw new InvalidSettingException(
                "hapax.redis.url",
                "nothing says where to keep leases: neither it nor spring.data.redis.* is set, and there is no"
                        + " service connection to Redis, no RedissonClient and no LeaseStore bean",
                "Set hapax.redis.url=redis://localhost:6379, or spring.data.redis.url, or define a RedissonClient bean; without Redis set hapax.leases=postgres; in tests use @InMemoryHapax;"
                        + " hapax.enabled=false switches the guard off",
                null);
    }

    private LeaseStore ofSpring(RedissonLeaseStore.Builder builder, SpringRedis redis, @Nullable SslBundle bundle) {
        String address = redis.address();
        return address != null
                ? builder.url(address).build()
                : builder.config(redis.configuration(redisTimeout(), bundle)).build();
    }

    private @Nullable Duration answerTimeout() {
        return settings.getLeases() == HapaxProperties.Leases.POSTGRES
                ? settings.getPostgres().getAnswerTimeout()
                : settings.getRedis().getAnswerTimeout();
    }

    private Duration redisTimeout() {
        Duration chosen = settings.getRedis().getAnswerTimeout();
        return chosen == null ? options(RunOptions.DEFAULTS).fittingAnswerTimeout() : chosen;
    }

    private RedissonLeaseStore.Builder builder() {
        HapaxProperties.Redis redis = settings.getRedis();
        RunOptions options = options(RunOptions.DEFAULTS);
        return RedissonLeaseStore.builder()
                .namespace(namespace())
                .answerTimeout(redisTimeout())
                .longestTtl(redis.getLongestTtl() == null ? options.fittingLongestTtl() : redis.getLongestTtl())
                .firstStart(redis.getFirstStart())
                .lazy(redis.isLazy())
                .replaceSettings(redis.isReplaceSettings());
    }

    /** Of store and ledger alike. */
    String namespace() {
        String ofPostgres = settings.getPostgres().getNamespace();
        if (settings.getLeases() == HapaxProperties.Leases.POSTGRES && ofPostgres != null) {
            return check("hapax.postgres.namespace", () -> NamespaceRules.chosen(ofPostgres));
        }
        String chosen = settings.getRedis().getNamespace();
        if (chosen != null) {
            return check("hapax.redis.namespace", () -> NamespaceRules.chosen(chosen));
        }
        return check(
                "hapax.redis.namespace",
                () -> NamespaceRules.derived(
                        "spring.application.name",
                        environment.getProperty("spring.application.name"),
                        "hapax.redis.namespace to the name of the application and its environment"));
    }

    /** Something that may find a setting wrong. */
    interface Step<T> {
        T take();
    }

    private static LeaseStore opened(String where, Step<LeaseStore> step) {
        try {
            return check(where, step);
        } catch (LeaseStoreException unreachable) {
            throw new InvalidSettingException(
                    where,
                    String.valueOf(unreachable.getMessage()),
                    "Check address, credentials and network, or set hapax.redis.lazy=true to start without the server",
                    unreachable);
        }
    }

    /** Names the setting that is wrong. */
    static <T> T check(String where, Step<T> step) {
        try {
            return step.take();
        } catch (InvalidSettingException named) {
            throw named;
        } catch (IllegalArgumentException | IllegalStateException wrong) {
            throw new InvalidSettingException(
                    where, String.valueOf(wrong.getMessage()), "Change the setting as the message says", wrong);
        }
    }
}

package io.hapax.spring;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * The settings {@code hapax.*} of an application. Bound by Spring Boot at start-up, which fails if a file or the command line has one
 * that does not exist; not thread-safe.
 */
@ConfigurationProperties(prefix = "hapax", ignoreUnknownFields = false)
public class HapaxProperties {

    /** Whether jobs are guarded at all. */
    private boolean enabled = true;
    /** Name of this process, shown to operators as the holder of a lease; by default process id and host. */
    private @Nullable String worker;
    /** How long active runs may take to end when the application stops; then they are asked to end. */
    private Duration shutdownGrace = Duration.ofSeconds(30);
    /** Whether the actuator endpoint may take leases away. */
    private boolean forceReleaseEnabled;
    /** Options of runs that say nothing else, such as ttl, max-hold, on-conflict, throttle. */
    private Map<String, String> defaults = new LinkedHashMap<>();
    /** Where leases are kept: in redis, or in postgres, the application's DataSource. */
    private Leases leases = Leases.REDIS;
    /** How leases are kept in Redis. */
    private final Redis redis = new Redis();
    /** How leases are kept in PostgreSQL, with hapax.leases=postgres. */
    private final Postgres postgres = new Postgres();
    /** The ledger in PostgreSQL. */
    private final Ledger ledger = new Ledger();
    /** The page for the operator. */
    private final Console console = new Console();
    /** Secret text of at least 16 characters; keys are stored and logged as keyed digests made with it. */
    private @Nullable String hashKeys;
    /** Beans that manage transactions in which guarded methods are never called, such as a JtaTransactionManager. */
    private List<String> ignoredTransactionManagers = List.of();

    /** Creates the defaults. */
    public HapaxProperties() {}

    /** Where leases are kept. */
    public enum Leases {
        /** One server, a quorum, or the RedissonClient of the application. */
        REDIS,
        /** The DataSource of the application. */
        POSTGRES
    }

    /** How leases are kept in Redis. */
    public static class Redis {
        /** Address of a server, redis://host:port or rediss://host:port. */
        private @Nullable String url;
        /** Addresses of the servers of a quorum, three or five of them. */
        private List<String> quorum = List.of();
        /** Separates fleets that share a Redis; by default spring.application.name. */
        private @Nullable String namespace;
        /** How long a server may take to answer; by default 2 s, or a sixth of the ttl if that is less. */
        private @Nullable Duration answerTimeout;
        /** How long any lease of the namespace lives at most; all workers must agree on it. */
        private @Nullable Duration longestTtl;
        /** The time at which the namespace is used for the first time ever, so that the first grant need not wait; it counts for 10 minutes. */
        private @Nullable Instant firstStart;
        /** Whether the application starts although the server cannot be reached yet. */
        private boolean lazy;
        /**
         * For the one start that changes settings on which all workers of the namespace have to agree, after all of them were
         * stopped.
         */
        private boolean replaceSettings;

        /** Creates the defaults. */
        public Redis() {}

        /**
         * Returns the address.
         *
         * @return the address, or null
         */
        public @Nullable String getUrl() {
            return url;
        }

        /**
         * Sets the address.
         *
         * @param url the address
         */
        public void setUrl(@Nullable String url) {
            this.url = url;
        }

        /**
         * Returns the addresses of a quorum.
         *
         * @return the addresses; empty if there is none
         */
        public List<String> getQuorum() {
            return quorum;
        }

        /**
         * Sets the addresses of a quorum.
         *
         * @param quorum the addresses
         */
        public void setQuorum(List<String> quorum) {
            this.quorum = quorum;
        }

        /**
         * Returns the namespace.
         *
         * @return the namespace, or null
         */
        public @Nullable String getNamespace() {
            return namespace;
        }

        /**
         * Sets the namespace.
         *
         * @param namespace the namespace
         */
        public void setNamespace(@Nullable String namespace) {
            this.namespace = namespace;
        }

        /**
         * Returns the answer timeout.
         *
         * @return the timeout, or null
         */
        public @Nullable Duration getAnswerTimeout() {
            return answerTimeout;
        }

        /**
         * Sets the answer timeout.
         *
         * @param answerTimeout the timeout
         */
        public void setAnswerTimeout(@Nullable Duration answerTimeout) {
            this.answerTimeout = answerTimeout;
        }

        /**
         * Returns the longest ttl.
         *
         * @return the ttl, or null
         */
        public @Nullable Duration getLongestTtl() {
            return longestTtl;
        }

        /**
         * Sets the longest ttl.
         *
         * @param longestTtl the ttl
         */
        public void setLongestTtl(@Nullable Duration longestTtl) {
            this.longestTtl = longestTtl;
        }

        /**
         * Tells when the namespace is used for the first time ever.
         *
         * @return when; null if it is not said
         */
        public @Nullable Instant getFirstStart() {
            return firstStart;
        }

        /**
         * Names the time at which the namespace is used for the first time ever.
         *
         * @param firstStart when; it counts for 10 minutes and has no effect afterwards
         */
        public void setFirstStart(@Nullable Instant firstStart) {
            this.firstStart = firstStart;
        }

        /**
         * Tells whether this start replaces the settings of the namespace.
         *
         * @return whether it does
         */
        public boolean isReplaceSettings() {
            return replaceSettings;
        }

        /**
         * Lets this start replace the settings of the namespace.
         *
         * @param replaceSettings whether to
         */
        public void setReplaceSettings(boolean replaceSettings) {
            this.replaceSettings = replaceSettings;
        }

        /**
         * Tells whether the application starts without the server.
         *
         * @return whether it does
         */
        public boolean isLazy() {
            return lazy;
        }

        /**
         * Lets the application start without the server.
         *
         * @param lazy whether it may
         */
        public void setLazy(boolean lazy) {
            this.lazy = lazy;
        }
    }

    /** How leases are kept in PostgreSQL. */
    public static class Postgres {
        /** Separates fleets that share a database; by default hapax.redis.namespace, or spring.application.name. */
        private @Nullable String namespace;
        /** Whether the tables of leases are created at start-up if they are missing. */
        private boolean migrate = true;
        /** Schema of the tables; by default the first of the search path. */
        private @Nullable String schema;
        /** How long the database may take to answer; by default 2 s, or a sixth of the ttl if that is less. */
        private @Nullable Duration answerTimeout;

        /** Creates the defaults. */
        public Postgres() {}

        /**
         * Returns the namespace.
         *
         * @return the namespace, or null
         */
        public @Nullable String getNamespace() {
            return namespace;
        }

        /**
         * Sets the namespace.
         *
         * @param namespace the namespace
         */
        public void setNamespace(@Nullable String namespace) {
            this.namespace = namespace;
        }

        /**
         * Tells whether tables are created.
         *
         * @return whether they are
         */
        public boolean isMigrate() {
            return migrate;
        }

        /**
         * Lets the tables be created.
         *
         * @param migrate whether to
         */
        public void setMigrate(boolean migrate) {
            this.migrate = migrate;
        }

        /**
         * Returns the schema.
         *
         * @return the schema, or null
         */
        public @Nullable String getSchema() {
            return schema;
        }

        /**
         * Sets the schema.
         *
         * @param schema the schema
         */
        public void setSchema(@Nullable String schema) {
            this.schema = schema;
        }

        /**
         * Returns the answer timeout.
         *
         * @return the timeout, or null
         */
        public @Nullable Duration getAnswerTimeout() {
            return answerTimeout;
        }

        /**
         * Sets the answer timeout.
         *
         * @param answerTimeout the timeout
         */
        public void setAnswerTimeout(@Nullable Duration answerTimeout) {
            this.answerTimeout = answerTimeout;
        }
    }

    /** The ledger in PostgreSQL. */
    public static class Ledger {
        /** Whether runs are noted in the application's DataSource, which has to be PostgreSQL. */
        private boolean enabled;
        /** Whether the tables of the ledger are created and updated at start-up. */
        private boolean migrate;
        /** Schema of the tables; by default the first of the search path. */
        private @Nullable String schema;
        /** How long PostgreSQL may take to answer; by default 2 s, or a sixth of the ttl if that is less. */
        private @Nullable Duration answerTimeout;

        /** Creates the defaults. */
        public Ledger() {}

        /**
         * Tells whether there is a ledger.
         *
         * @return whether there is
         */
        public boolean isEnabled() {
            return enabled;
        }

        /**
         * Switches the ledger on.
         *
         * @param enabled whether there is one
         */
        public void setEnabled(boolean enabled) {
            this.enabled = enabled;
        }

        /**
         * Tells whether tables are created.
         *
         * @return whether they are
         */
        public boolean isMigrate() {
            return migrate;
        }

        /**
         * Lets the tables be created.
         *
         * @param migrate whether to
         */
        public void setMigrate(boolean migrate) {
            this.migrate = migrate;
        }

        /**
         * Returns the schema.
         *
         * @return the schema, or null
         */
        public @Nullable String getSchema() {
            return schema;
        }

        /**
         * Sets the schema.
         *
         * @param schema the schema
         */
        public void setSchema(@Nullable String schema) {
            this.schema = schema;
        }

        /**
         * Returns the answer timeout.
         *
         * @return the timeout, or null
         */
        public @Nullable Duration getAnswerTimeout() {
            return answerTimeout;
        }

        /**
         * Sets the answer timeout.
         *
         * @param answerTimeout the timeout
         */
        public void setAnswerTimeout(@Nullable Duration answerTimeout) {
            this.answerTimeout = answerTimeout;
        }
    }

    /** The page for the operator, if {@code hapax-console} is on the class path. */
    public static class Console {
        /** Whether this process tells the consoles of all what it is at, and serves the page if it is a web application. */
        private boolean enabled;
        /** Where the page is. */
        private String path = "/hapax";
        /** Password or token; without it nothing can be changed, and only clients on the same machine may read. */
        private @Nullable String credential;
        /**
         * Addresses of the proxies before the page, such as 10.0.0.0/8: their word on who asks is taken, and nobody else's. Not
         * needed where server.forward-headers-strategy sees to that.
         */
        private List<String> proxies = List.of();

        /** Creates the defaults. */
        public Console() {}

        /**
         * Tells whether there is a console.
         *
         * @return whether there is
         */
        public boolean isEnabled() {
            return enabled;
        }

        /**
         * Switches the console on.
         *
         * @param enabled whether there is one
         */
        public void setEnabled(boolean enabled) {
            this.enabled = enabled;
        }

        /**
         * Returns where the page is.
         *
         * @return the path
         */
        public String getPath() {
            return path;
        }

        /**
         * Sets where the page is.
         *
         * @param path the path
         */
        public void setPath(String path) {
            this.path = path;
        }

        /**
         * Returns the credential.
         *
         * @return the credential, or null
         */
        public @Nullable String getCredential() {
            return credential;
        }

        /**
         * Sets the credential.
         *
         * @param credential the credential
         */
        public void setCredential(@Nullable String credential) {
            this.credential = credential;
        }

        /**
         * Returns the proxies before the page.
         *
         * @return addresses, or ranges of them
         */
        public List<String> getProxies() {
            return proxies;
        }

        /**
         * Names the proxies before the page.
         *
         * @param proxies addresses, or ranges of them
         */
        public void setProxies(List<String> proxies) {
            this.proxies = proxies;
        }
    }

    /**
     * Tells whether jobs are guarded.
     *
     * @return whether they are
     */
    public boolean isEnabled() {
        return enabled;
    }

    /**
     * Switches the guard off.
     *
     * @param enabled false to let jobs run unguarded
     */
    public void setEnabled(boolean enabled) {
        this.enabled = enabled;
    }

    /**
     * Returns the name of this process.
     *
     * @return the name, or null
     */
    public @Nullable String getWorker() {
        return worker;
    }

    /**
     * Names this process.
     *
     * @param worker the name
     */
    public void setWorker(@Nullable String worker) {
        this.worker = worker;
    }

    /**
     * Returns how long runs may take to end.
     *
     * @return the grace
     */
    public Duration getShutdownGrace() {
        return shutdownGrace;
    }

    /**
     * Sets how long runs may take to end.
     *
     * @param shutdownGrace the grace
     */
    public void setShutdownGrace(Duration shutdownGrace) {
        this.shutdownGrace = shutdownGrace;
    }

    /**
     * Tells whether the endpoint may take leases away.
     *
     * @return whether it may
     */
    public boolean isForceReleaseEnabled() {
        return forceReleaseEnabled;
    }

    /**
     * Lets the endpoint take leases away.
     *
     * @param forceReleaseEnabled whether it may
     */
    public void setForceReleaseEnabled(boolean forceReleaseEnabled) {
        this.forceReleaseEnabled = forceReleaseEnabled;
    }

    /**
     * Returns the options of runs that say nothing else.
     *
     * @return by name
     */
    public Map<String, String> getDefaults() {
        return defaults;
    }

    /**
     * Sets the options of runs that say nothing else.
     *
     * @param defaults by name
     */
    public void setDefaults(Map<String, String> defaults) {
        this.defaults = defaults;
    }

    /**
     * Returns where leases are kept.
     *
     * @return where
     */
    public Leases getLeases() {
        return leases;
    }

    /**
     * Says where leases are kept.
     *
     * @param leases where
     */
    public void setLeases(Leases leases) {
        this.leases = leases;
    }

    /**
     * Returns how leases are kept in Redis.
     *
     * @return the settings
     */
    public Redis getRedis() {
        return redis;
    }

    /**
     * Returns how leases are kept in PostgreSQL.
     *
     * @return the settings
     */
    public Postgres getPostgres() {
        return postgres;
    }

    /**
     * Returns the console's settings.
     *
     * @return the settings
     */
    public Console getConsole() {
        return console;
    }

    /**
     * Returns the secret with which keys are made unreadable.
     *
     * @return the secret, or null
     */
    public @Nullable String getHashKeys() {
        return hashKeys;
    }

    /**
     * Sets the secret with which keys are made unreadable.
     *
     * @param hashKeys the secret
     */
    public void setHashKeys(@Nullable String hashKeys) {
        this.hashKeys = hashKeys;
    }

    /**
     * Returns the ledger's settings.
     *
     * @return the settings
     */
    public Ledger getLedger() {
        return ledger;
    }

    /**
     * Returns the transaction managers that are passed over.
     *
     * @return names of beans
     */
    public List<String> getIgnoredTransactionManagers() {
        return ignoredTransactionManagers;
    }

    /**
     * Sets the transaction managers that are passed over.
     *
     * @param ignoredTransactionManagers names of beans
     */
    public void setIgnoredTransactionManagers(List<String> ignoredTransactionManagers) {
        this.ignoredTransactionManagers = ignoredTransactionManagers;
    }
}

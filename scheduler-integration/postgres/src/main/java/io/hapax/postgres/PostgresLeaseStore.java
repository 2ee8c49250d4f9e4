package io.hapax.postgres;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Finding;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.NamespaceRules;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservations;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import io.hapax.thread.GuardThreads;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Leases in PostgreSQL (12 or newer, one primary), for those who have no Redis. Thread-safe.
 *
 * <p>Requests that come while others are with the database go together, in one statement: a grant and a release take one each, which
 * concurrent runs share. All times are the server's. PostgreSQL forgets nothing when it restarts, so there is no quarantine: what it
 * has answered is durable, and after a failover to a standby that lacks commits nothing is promised.
 */
public final class PostgresLeaseStore implements AdministeredStore {

    /** Changes when workers of two versions would not keep each other out. */
    private static final String SETTINGS = "leases=postgres format=1";

    /** Whose settings these are, beside those of the guards. */
    static final String PARTY = "STORE";

    private final DataSource source;
    private final boolean grants;
    private final Database database;
    private final Database people;
    /** For the first steps. */
    private final Database opening;

    /** Renewals do not queue up with the jobs for connections. */
    private final Database lifeline;

    private final RenewalConnection renewalConnection;
    private final LeaseStatements statements;
    private final String namespace;
    private final String channel;
    private final CleanUp cleanUp;
    private final WakeUps wakeUps;
    private final PostgresReservations reservations;
    private final Batches<LeaseExchange.Ask, LeaseExchange.Answer> exchanges;
    private final Batches<Lease, Renewal> renewals;

    /**
     * Prepares one.
     *
     * @param builder its settings
     * @param grants whether it may be asked for leases, and not only by operators
     */
    private PostgresLeaseStore(Builder builder, boolean grants) {
        this.source = builder.source;
        this.grants = grants;
        this.database = database(builder, "hapax-leases", builder.connections, builder.answerTimeout);
        this.opening = database(builder, "hapax-leases-opening", 1, Opening.answerTimeout(builder.answerTimeout));
        // Operators' questions may take long: it must not keep runs waiting.
        this.people = database(builder, "hapax-leases-admin", 1, builder.answerTimeout);
        this.lifeline = database(builder, "hapax-leases-renewals", 1, builder.answerTimeout);
        this.statements = new LeaseStatements(builder.schema == null ? "" : builder.schema + ".");
        this.namespace = NamespaceRules.chosen(builder.namespace);
        this.channel = Channel.of(namespace);
        this.renewalConnection =
                new RenewalConnection(builder.source, builder.renewals, builder.connections, statements.place());
        this.cleanUp = new CleanUp(database, builder.cleanUpEvery, new ForgettingLeases(statements, namespace).steps());
        this.wakeUps = new WakeUps(database, builder.source, channel, builder.listens);
        this.reservations = new PostgresReservations(database, statements, namespace);
        LeaseExchange exchange = new LeaseExchange(statements, namespace, channel, database.lockTimeout());
        this.exchanges =
                new Batches<>("grant or take back a lease", database, LeaseExchange.Ask::owner, exchange::carryOut);
        this.renewals =
                new Batches<>("renew a lease", lifeline, Lease::owner, new LeaseRenewals(statements, namespace)::renew);
    }

    private static Database database(Builder builder, String name, int connections, Duration answerTimeout) {
        return new Database(Service.LEASES, builder.source, name, connections, answerTimeout);
    }

    /**
     * Starts to build a store.
     *
     * @param source connections to the database, preferably pooled; the store does not close it
     * @return the builder
     */
    public static Builder builder(DataSource source) {
        return new Builder(source);
    }

    /**
     * Returns where its connections come from.
     *
     * @return the source that it was built with
     */
    public DataSource dataSource() {
        return source;
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        if (!grants) {
            return CompletableFuture.failedFuture(new IllegalStateException(
                    "this store was opened for operators' questions and grants nothing; build() opens one that does"));
        }
        return exchanges
                .submit(LeaseExchange.Ask.of(request))
                .thenApply(answer -> Objects.requireNonNull(answer.acquisition()));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        List<CompletableFuture<Renewal>> answers = leases.stream()
                .map(lease -> renewals.submit(lease).exceptionally(failure -> new Renewal.Unknown(cause(failure))))
                .toList();
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
                .thenApply(all -> answers.stream().map(CompletableFuture::join).toList());
    }

    private static RuntimeException cause(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return cause instanceof LeaseStoreException known
                ? known
                : new LeaseStoreException("the renewal failed: " + failure, failure);
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return exchanges.submit(LeaseExchange.Ask.toRelease(lease, ending)).thenApply(LeaseExchange.Answer::released);
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return exchanges.submit(LeaseExchange.Ask.toWithdraw(request)).thenApply(answer -> null);
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        return wakeUps.await(LeaseKey.of(identity).family(), atMost);
    }

    @Override
    public Optional<Reservations> reservations() {
        return Optional.of(reservations);
    }

    @Override
    public LeaseAdmin admin() {
        return new PostgresAdmin(new Questions(people), statements, namespace, channel);
    }

    @Override
    public FleetBoard board() {
        return new PostgresBoard(new Questions(people), statements, namespace);
    }

    @Override
    public Duration answerTimeout() {
        return database.answerTimeout();
    }

    /** {@inheritDoc} A store that differs from the others of its namespace is not built. */
    @Override
    public String fingerprint() {
        return SETTINGS;
    }

    @Override
    public void agree(String settings) {
        String noted = noted("GUARD", settings);
        if (!noted.equals(settings)) {
            throw new LeaseStoreException(Finding.error(
                    "the guards of the other workers of namespace '" + namespace + "' have the settings [" + noted
                            + "], this one has [" + settings
                            + "]; workers with different settings cannot exclude each other",
                    mendedBy()));
        }
    }

    private String mendedBy() {
        return "Give all the same settings; to change them, stop all workers and delete the namespace's rows in "
                + statements.prefix() + "hapax_lease_settings";
    }

    /** What holds: what the first one has said. */
    private String noted(String party, String settings) {
        try {
            return opening.call(connection -> {
                try (PreparedStatement insert = connection.prepareStatement(statements.agree())) {
                    Parameters.of(insert).text(namespace).text(party).text(settings);
                    insert.executeUpdate();
                }
                try (PreparedStatement query = connection.prepareStatement(statements.settings())) {
                    Parameters.of(query).text(namespace).text(party);
                    try (ResultSet row = query.executeQuery()) {
                        return row.next() ? row.getString(1) : settings;
                    }
                }
            });
        } catch (SQLException e) {
            throw new LeaseStoreException(
                    DatabaseTrouble.of(e).asReasonWhy("the lease store could not compare settings"), e);
        }
    }

    /** Ends the waiting of this client's callers; each later call fails. */
    @Override
    public void close() {
        // Each of these may fail where memory is short, and the rest has to end all the same.
        GuardThreads.inTurn(
                wakeUps::close, cleanUp::close, database::close, people::close, opening::close, lifeline::close);
    }

    /** Forgets what is over, now; for tests. Returns how many leases. */
    int cleanUp() throws SQLException {
        return cleanUp.run();
    }

    /** For tests. */
    WakeUps wakeUps() {
        return wakeUps;
    }

    private void open(boolean migrate, @Nullable String schema) {
        Opening first = new Opening(opening, source, lifeline, List.of(database, people));
        // Whether commits wait for the disk is set with each statement that grants.
        first.take(new Migration(opening, statements.prefix(), schema), migrate, renewalConnection);
        String noted = noted(PARTY, SETTINGS);
        if (!noted.equals(SETTINGS)) {
            throw new IllegalStateException("the workers of namespace '" + namespace + "' have the settings [" + noted
                    + "], this one has [" + SETTINGS + "]; workers with different settings cannot exclude each other. "
                    + mendedBy());
        }
        cleanUp.start();
    }

    private void openForOperators(@Nullable String schema) {
        new Opening(people, source, lifeline, List.of()).look(new Migration(people, statements.prefix(), schema));
    }

    /** Collects the settings of a store. Not thread-safe. */
    public static final class Builder {

        private static final Pattern SCHEMA = Pattern.compile("[a-z_][a-z0-9_]{0,62}");

        private final DataSource source;
        private @Nullable String namespace;
        private @Nullable String schema;
        private boolean migrate;
        private Duration answerTimeout = Duration.ofSeconds(2);
        private int connections = 2;
        private Duration cleanUpEvery = Duration.ofMinutes(5);
        private @Nullable DataSource renewals;
        private boolean listens = true;

        private Builder(DataSource source) {
            this.source = Objects.requireNonNull(source, "source: give the lease store a DataSource");
        }

        /**
         * Keeps the leases of different applications apart. All replicas of one application need the same namespace.
         *
         * There is no default, as applications that share one would take each other's runs.
         *
         * @param name 1 to 64 letters, digits, '.', '_' or '-', such as {@code billing-production}
         * @return this builder
         * @throws IllegalArgumentException if it is not allowed, or the default name of a library
         */
        public Builder namespace(String name) {
            this.namespace = NamespaceRules.chosen(name);
            return this;
        }

        /**
         * Says in which schema the tables are.
         *
         * @param name lower-case letters, digits and '_'; by default what the connection's search_path finds
         * @return this builder
         */
        public Builder schema(String name) {
            if (!SCHEMA.matcher(name).matches()) {
                throw new IllegalArgumentException("setting schema: '" + name
                        + "' is not allowed; use up to 63 lower-case letters, digits or '_', not a digit first");
            }
            this.schema = name;
            return this;
        }

        /**
         * Lets the store create its tables and functions if they are missing; the role needs the right to. Nothing is ever dropped.
         *
         * @param apply by default false: you apply the file {@code io/hapax/postgres/hapax-leases-1.sql}
         * @return this builder
         */
        public Builder migrate(boolean apply) {
            this.migrate = apply;
            return this;
        }

        /**
         * Bounds how long the database may take to answer. Opening the store, and comparing settings, wait for 30 s at least,
         * since another worker may be creating the tables.
         *
         * @param timeout 100 ms to 10 min; by default 2 s
         * @return this builder
         */
        public Builder answerTimeout(Duration timeout) {
            if (timeout.compareTo(Duration.ofMillis(100)) < 0 || timeout.compareTo(Duration.ofMinutes(10)) > 0) {
                throw new IllegalArgumentException("setting answerTimeout: must be 100 ms to 10 min, was " + timeout);
            }
            this.answerTimeout = timeout;
            return this;
        }

        /**
         * Says how many connections the store uses at once, besides the one for renewals and the one that listens.
         *
         * @param count 1 to 16; by default 2
         * @return this builder
         */
        public Builder connections(int count) {
            if (count < 1 || count > 16) {
                throw new IllegalArgumentException("setting connections: must be 1 to 16, was " + count);
            }
            this.connections = count;
            return this;
        }

        /**
         * Sets connections aside for renewals, so that jobs which hold all others for long do not keep leases from being
         * renewed. By default a HikariCP pool is copied, with its settings and one connection, which is one more than the pool
         * has; of any other source one connection is taken and kept.
         *
         * @param source to the same database and tables, such as a pool of one connection; the store does not close it
         * @return this builder
         */
        public Builder renewals(DataSource source) {
            this.renewals = Objects.requireNonNull(source, "renewals: give the lease store a DataSource");
            return this;
        }

        /**
         * Says whether a connection listens while runs wait for keys, so that a release wakes them at once. It is one more than a
         * HikariCP pool has, and one of any other source. Without, and behind a pooler such as PgBouncer, they ask again every
         * second.
         *
         * @param isListening by default true
         * @return this builder
         */
        public Builder listens(boolean isListening) {
            this.listens = isListening;
            return this;
        }

        /**
         * Says how often leases, markers and places are forgotten whose time is over.
         *
         * @param interval 1 s to 24 h, give or take a half, by default 5 min; zero for never
         * @return this builder
         */
        public Builder cleanUpEvery(Duration interval) {
            boolean never = interval.isZero();
            if (!never && (interval.toSeconds() < 1 || interval.compareTo(Duration.ofDays(1)) > 0)) {
                throw new IllegalArgumentException(
                        "setting cleanUpEvery: must be 1 s to 24 h, or zero for never, was " + interval);
            }
            this.cleanUpEvery = interval;
            return this;
        }

        /**
         * Opens the store and checks server, tables and settings.
         *
         * @return the store; the caller closes it
         * @throws IllegalStateException if the other workers of the namespace have other settings
         * @throws LeaseStoreException if the database cannot be reached, is a standby, or lacks tables or rights; the message
         *     says how to fix it
         */
        public PostgresLeaseStore build() {
            PostgresLeaseStore store = new PostgresLeaseStore(this, true);
            try {
                store.open(migrate, schema);
            } catch (Throwable e) {
                store.close();
                throw e;
            }
            return store;
        }

        /**
         * Opens the store for what operators ask and do ({@link PostgresLeaseStore#admin()}, {@link PostgresLeaseStore#board()}): nothing is created, noted or cleaned up, and
         * no lease is granted.
         *
         * @return the store; the caller closes it
         * @throws LeaseStoreException if the database cannot be reached, is a standby, or lacks tables or rights; the message
         *     says how to fix it
         */
        public PostgresLeaseStore openForOperators() {
            PostgresLeaseStore store = new PostgresLeaseStore(this, false);
            try {
                store.openForOperators(schema);
            } catch (Throwable e) {
                store.close();
                throw e;
            }
            return store;
        }

        /**
         * Looks at the database as these settings say, without changing anything. Blocks for some seconds at most.
         *
         * @return what was found, the worst first; empty if all is well. Trouble on the way is a finding, too
         */
        public List<Finding> examine() {
            try (PostgresLeaseStore store = new PostgresLeaseStore(this, false)) {
                SecondConnection second = new SecondConnection(store.people, source);
                return new LeaseExamination(
                                second, store.statements, store.namespace, schema, listens, InstantSource.system())
                        .findings(SETTINGS);
            }
        }
    }
}

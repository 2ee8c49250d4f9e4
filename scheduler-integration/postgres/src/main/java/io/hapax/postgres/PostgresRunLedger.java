package io.hapax.postgres;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Finding;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.NamespaceRules;
import io.hapax.lease.Renewal;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AuditEntry;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ledger of runs in PostgreSQL (12 or newer, one primary): one row per occurrence. Thread-safe.
 *
 * <p>Requests that come while others are with the database go together, in one statement. All times are the server's.
 * Fencing tokens are those of the leases that runs bring, or follow the server's clock; they never go back.
 */
public final class PostgresRunLedger implements RunLedger {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.postgres");

    private final DataSource source;
    private final Database database;
    private final Database people;
    private final Questions questions;
    /** For the first steps. */
    private final Database opening;

    /** Renewals do not queue up with the jobs for connections. */
    private final Database lifeline;

    private final RenewalConnection renewalConnection;
    private final Statements statements;
    private final String namespace;
    private final Endings endings;
    private final CleanUp cleanUp;
    private final Batches<ClaimRequest, Claim> claims;
    private final Batches<Lease, Completion> beginnings;
    private final Batches<Endings.Request, Completion> ends;
    private final Batches<Lease, Renewal> renewals;
    private final Batches<Occurrence, Optional<LedgerEntry>> entries;

    private PostgresRunLedger(Builder builder) {
        this.source = builder.source;
        this.database = new Database(builder.source, "hapax-ledger", builder.connections, builder.answerTimeout);
        this.opening =
                new Database(builder.source, "hapax-ledger-opening", 1, Opening.answerTimeout(builder.answerTimeout));
        // Operators' questions may take long: it must not keep runs waiting.
        this.people = new Database(builder.source, "hapax-ledger-admin", 1, builder.answerTimeout);
        this.questions = new Questions(people);
        this.lifeline = new Database(builder.source, "hapax-ledger-renewals", 1, builder.answerTimeout);
        this.statements = new Statements(builder.schema == null ? "" : builder.schema + ".");
        this.namespace = NamespaceRules.chosen(builder.namespace);
        this.renewalConnection =
                new RenewalConnection(builder.source, builder.renewals, builder.connections, statements.place());
        Lookup lookup = new Lookup(statements, namespace);
        this.endings = new Endings(statements, lookup, namespace);
        this.cleanUp =
                new CleanUp(database, builder.cleanUpEvery, new Forgetting(database, statements, namespace).steps());
        Claims claiming = new Claims(database, statements, lookup, namespace);
        Renewals renewing = new Renewals(statements, lookup, namespace);
        this.claims = new Batches<>(
                "claim an occurrence",
                database,
                request -> Occurrence.of(request.identity()).gate(),
                claiming::claim);
        this.beginnings = new Batches<>(
                "record a start",
                database,
                run -> Occurrence.of(run.identity()),
                new Beginnings(statements, lookup, namespace)::begin);
        this.ends = new Batches<>("end a run", database, Endings.Request::occurrence, endings::end);
        this.renewals = new Batches<>("renew a claim", lifeline, Lease::owner, renewing::renew);
        this.entries = new Batches<>("look up an occurrence", database, occurrence -> occurrence, lookup::entries);
    }

    /**
     * Starts to build a ledger.
     *
     * @param source connections to the database, preferably pooled; the ledger does not close it
     * @return the builder
     */
    public static Builder builder(DataSource source) {
        return new Builder(source);
    }

    /**
     * Returns where its connections come from: a transaction of that source can complete runs.
     *
     * @return the source that it was built with
     */
    public DataSource dataSource() {
        return source;
    }

    @Override
    public CompletionStage<Claim> claim(ClaimRequest request) {
        return claims.submit(request);
    }

    @Override
    public CompletionStage<Completion> begin(Lease run) {
        return beginnings.submit(run);
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> runs) {
        List<CompletableFuture<Renewal>> answers = runs.stream()
                .map(run ->
                        renewals.submit(run).exceptionally(failure -> new Renewal.Unknown(asLedgerFailure(failure))))
                .toList();
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
                .thenApply(all -> answers.stream().map(CompletableFuture::join).toList());
    }

    private static LedgerException asLedgerFailure(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof LedgerException known) {
                return known;
            }
        }
        return new LedgerException("the renewal failed: " + failure, failure);
    }

    @Override
    public CompletionStage<Completion> complete(Lease run) {
        return ends.submit(Endings.Request.of(run, RunState.DONE));
    }

    @Override
    public Completion completeIn(Connection connection, Lease run) throws SQLException {
        if (connection.getAutoCommit()) {
            throw new IllegalStateException("completeIn needs a transaction, but the connection is in auto-commit mode:"
                    + " each statement would be a transaction of its own. Call setAutoCommit(false), or start one with"
                    + " your framework");
        }
        try {
            return endings.completeIn(connection, run);
        } catch (SQLException e) {
            // With a snapshot older than a takeover, PostgreSQL refuses instead of finding no row; but it refuses in
            // the same
            // way what conflicts with other transactions of the application, which may repeat it.
            if (DatabaseTrouble.isSerializationFailure(e) && wasTakenOver(run)) {
                return Completion.SUPERSEDED;
            }
            throw e;
        }
    }

    /** As far as can be seen now; a repetition of the transaction finds out. */
    private boolean wasTakenOver(Lease run) {
        try {
            return entry(run.identity())
                    .toCompletableFuture()
                    .join()
                    .filter(entry -> entry.state() == RunState.RUNNING
                            && entry.owner().equals(run.owner())
                            && entry.token().equals(run.token()))
                    .isEmpty();
        } catch (CompletionException unknown) {
            return false;
        }
    }

    @Override
    public CompletionStage<Completion> release(Lease run, RunState state) {
        if (state == RunState.RUNNING || state == RunState.DONE) {
            throw new IllegalArgumentException(
                    "a run is released as FAILED, FAILED_FOR_GOOD, RELEASED, LOST or ABANDONED, not as " + state);
        }
        return ends.submit(Endings.Request.of(run, state));
    }

    @Override
    public CompletionStage<Void> withdraw(ClaimRequest request) {
        return ends.submit(new Endings.Request(request.identity(), request.owner(), null, RunState.RELEASED))
                .thenApply(answer -> null);
    }

    @Override
    public CompletionStage<Optional<LedgerEntry>> entry(JobIdentity identity) {
        return entries.submit(Occurrence.of(identity));
    }

    @Override
    public CompletionStage<Boolean> resolve(
            JobIdentity identity, @Nullable FencingToken seen, RunState state, Intervention why) {
        if (state != RunState.DONE && state != RunState.RELEASED) {
            throw new IllegalArgumentException("an abandoned run is resolved as DONE or RELEASED, not as " + state);
        }
        Occurrence wanted = Occurrence.of(identity);
        return questions.ask("resolve an occurrence", connection -> resolve(connection, wanted, seen, state, why));
    }

    private boolean resolve(
            Connection connection, Occurrence wanted, @Nullable FencingToken seen, RunState state, Intervention why)
            throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(statements.resolve())) {
            Parameters.of(update)
                    .text(state.name())
                    .text(namespace)
                    .text(wanted.key())
                    .flag(wanted.repeats())
                    .flag(seen == null)
                    .number(seen == null ? 0 : seen.value())
                    .text(why.actor())
                    .text(why.reason());
            return update.executeUpdate() == 1;
        }
    }

    @Override
    public CompletionStage<Boolean> runAgain(JobIdentity identity, @Nullable FencingToken seen, Intervention why) {
        Occurrence wanted = Occurrence.of(identity);
        return questions.ask("let an occurrence run again", connection -> {
            try (PreparedStatement update = connection.prepareStatement(statements.runAgain())) {
                Parameters.of(update)
                        .text(namespace)
                        .text(wanted.key())
                        .flag(wanted.repeats())
                        .flag(seen == null)
                        .number(seen == null ? 0 : seen.value())
                        .text(why.actor())
                        .text(why.reason());
                return update.executeUpdate() == 1;
            }
        });
    }

    @Override
    public CompletionStage<List<LedgerEntry>> entries(LedgerQuery query) {
        return questions.ask("look through the ledger", connection -> {
            List<LedgerEntry> found = new ArrayList<>();
            try (PreparedStatement select =
                    questions.bounded(connection.prepareStatement(statements.entries(query.states())))) {
                Parameters.of(select)
                        .text(namespace)
                        .text(query.text())
                        .text(query.text())
                        .number(query.olderThan().toMillis())
                        .number(query.atMost());
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        found.add(Row.read(rows).entry());
                    }
                }
            }
            return found;
        });
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return questions.ask("read the audit", connection -> {
            List<AuditEntry> found = new ArrayList<>();
            try (PreparedStatement select = questions.bounded(connection.prepareStatement(statements.audit()))) {
                Parameters.of(select).text(namespace).number(atMost);
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        found.add(auditEntry(rows));
                    }
                }
            }
            return found;
        });
    }

    private static AuditEntry auditEntry(ResultSet row) throws SQLException {
        String lock = row.getString("lock_key");
        String subject = (lock == null ? "" : "lock " + lock + ", ") + "run " + row.getString("occurrence");
        return new AuditEntry(
                Objects.requireNonNull(Row.instant(row, "at")),
                row.getString("action"),
                subject,
                Intervention.stored(row.getString("actor"), row.getString("reason")),
                row.getString("worker") + " (owner " + row.getString("owner") + ")");
    }

    @Override
    public void agree(String fingerprint) {
        if (fingerprint.isEmpty()) {
            return;
        }
        String agreed;
        try {
            agreed = opening.call(connection -> {
                try (PreparedStatement insert = connection.prepareStatement(statements.agree())) {
                    Parameters.of(insert).text(namespace).text(fingerprint);
                    insert.executeUpdate();
                }
                try (PreparedStatement query = connection.prepareStatement(statements.fingerprint())) {
                    Parameters.of(query).text(namespace);
                    try (ResultSet row = query.executeQuery()) {
                        return row.next() ? row.getString(1) : fingerprint;
                    }
                }
            });
        } catch (SQLException e) {
            throw new LedgerException(DatabaseTrouble.of(e).asReasonWhy("the ledger could not compare settings"), e);
        }
        if (!agreed.equals(fingerprint)) {
            throw new IllegalStateException("the workers of namespace '" + namespace + "' have the settings [" + agreed
                    + "], this one has [" + fingerprint
                    + "]. Workers with different settings cannot exclude each other. Give all the"
                    + " same settings; to change them, stop all workers and delete the namespace's row in "
                    + statements.prefix() + "hapax_settings");
        }
    }

    @Override
    public Duration answerTimeout() {
        return database.answerTimeout();
    }

    @Override
    public void close() {
        cleanUp.close();
        database.close();
        people.close();
        opening.close();
        lifeline.close();
    }

    /** Forgets what is over, now; for tests. */
    int cleanUp() throws SQLException {
        return cleanUp.run();
    }

    private void open(boolean migrate, @Nullable String schema) {
        Opening first = new Opening(opening, source, lifeline, List.of(database, people));
        if (first.take(new Migration(opening, statements.prefix(), schema), migrate, renewalConnection)) {
            LOG.warn(
                    "synchronous_commit is off: a crash of PostgreSQL may forget that an occurrence has completed, and it"
                            + " runs again. Switch it on for the ledger's role: ALTER ROLE … SET synchronous_commit = on");
        }
        cleanUp.start();
    }

    /** Collects the settings of a ledger. Not thread-safe. */
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

        private Builder(DataSource source) {
            this.source = Objects.requireNonNull(source, "source: give the ledger a DataSource");
        }

        /**
         * Keeps the runs of different applications apart. All replicas of one application need the same namespace.
         *
         * There is no default, as applications that share one would take each other's runs.
         *
         * @param name 1 to 64 letters, digits, '.', '_' or '-', such as {@code billing-production}; the one of the lease store
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
         * Lets the ledger create its tables if they are missing; the role needs the right to. Nothing is ever dropped.
         *
         * @param apply by default false: you apply the file {@code io/hapax/postgres/hapax-ledger-1.sql}
         * @return this builder
         */
        public Builder migrate(boolean apply) {
            this.migrate = apply;
            return this;
        }

        /**
         * Bounds how long the database may take to answer. Opening the ledger, and comparing settings, wait for 30 s at least,
         * since another worker may be creating the tables, or noting the settings.
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
         * Says how many connections the ledger uses at once.
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
         * Sets connections aside for the renewals of claims, so that jobs which hold all others for long do not keep claims
         * from being renewed. By default a HikariCP pool is copied, with its settings and one connection, which is one more
         * than the pool has; of any other source one connection is taken and kept.
         *
         * @param source to the same database and tables, such as a pool of one connection; the ledger does not close it
         * @return this builder
         */
        public Builder renewals(DataSource source) {
            this.renewals = Objects.requireNonNull(source, "renewals: give the ledger a DataSource");
            return this;
        }

        /**
         * Says how often occurrences whose retention is over are forgotten.
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
         * Looks at the database as these settings say, without changing anything. Blocks for some seconds at most.
         *
         * @param expected the settings on which the workers have to agree, as {@link RunLedger#agree}; empty to leave
         *     that out
         * @return what was found, the worst first; empty if all is well. Trouble on the way is a finding, too
         */
        public List<Finding> examine(String expected) {
            try (PostgresRunLedger ledger = new PostgresRunLedger(this)) {
                SecondConnection second = new SecondConnection(ledger.database, source);
                return new Examination(second, ledger.statements, ledger.namespace, schema, InstantSource.system())
                        .findings(expected);
            }
        }

        /**
         * Opens the ledger and checks server and tables.
         *
         * @return the ledger; the caller closes it
         * @throws LedgerException if the database cannot be reached, is a standby, or lacks tables or rights; the message
         *     says how to fix it
         */
        public PostgresRunLedger build() {
            PostgresRunLedger ledger = new PostgresRunLedger(this);
            try {
                ledger.open(migrate, schema);
            } catch (Throwable e) {
                ledger.close();
                throw e;
            }
            return ledger;
        }
    }
}

package io.hapax;

import io.hapax.event.GuardListener;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Reservations;
import io.hapax.lease.VisibleText;
import io.hapax.ledger.RunLedger;
import io.hapax.thread.GuardThreads;
import io.hapax.time.Ticker;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Collects the settings of a guard. Not thread-safe. */
public final class JobGuardBuilder {

    final LeaseStore store;
    final List<GuardListener> listeners = new ArrayList<>();
    String worker = processName();
    RunOptions defaults = RunOptions.DEFAULTS;
    Ticker ticker = Ticker.SYSTEM;
    GuardThreads threads = Notifier.threads();
    Supplier<OwnerId> owners = OwnerId::random;
    UnaryOperator<String> environment = SystemPlaceholders::resolve;
    Supplier<Optional<CallersTransaction>> transactions = Optional::empty;
    boolean logging = true;
    boolean closesStore;
    Supplier<Optional<String>> obstacle = Optional::empty;

    @Nullable
    RunLedger ledger;

    @Nullable
    KeyHashing hashing;

    JobGuardBuilder(LeaseStore store) {
        this.store = store;
    }

    /**
     * Names this process, for display: who holds a lease.
     *
     * @param name the name; by default process id and host name
     * @return this builder
     */
    public JobGuardBuilder worker(String name) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("the name of a worker must not be blank");
        }
        this.worker = VisibleText.of(name);
        return this;
    }

    /**
     * Changes the options of runs that say nothing else.
     *
     * @param change from the defaults so far to the new ones
     * @return this builder
     */
    public JobGuardBuilder defaults(UnaryOperator<RunOptions> change) {
        this.defaults = change.apply(defaults);
        return this;
    }

    /**
     * Adds a listener.
     *
     * @param listener receives every event
     * @return this builder
     */
    public JobGuardBuilder listener(GuardListener listener) {
        listeners.add(listener);
        return this;
    }

    /**
     * Leaves out the {@link LoggingListener}, which is there by default.
     *
     * @return this builder
     */
    public JobGuardBuilder withoutLogging() {
        this.logging = false;
        return this;
    }

    /**
     * Adds a ledger: each run with a lease claims its occurrence there before it starts, and an occurrence is done
     * when the ledger says so.
     *
     * @param runs where the runs are kept
     * @return this builder
     */
    public JobGuardBuilder ledger(RunLedger runs) {
        this.ledger = runs;
        return this;
    }

    /**
     * Keeps keys from being stored or logged in plain text, for those with personal data: store, ledger, log lines,
     * events and the run's own identity have a keyed digest (HMAC-SHA-256) instead. The guard's methods take both: a
     * key as it is, and one as it was logged. Jobs keep their names, so put no personal data into them; a job
     * without a name ({@link RunRequest#job}) has the digest as its name.
     *
     * @param secret at least 16 characters, the same on all workers. Others would guard under other keys, so a worker
     *     with another secret, or without one, does not start beside them
     * @return this builder
     * @throws IllegalArgumentException if the secret is too short
     */
    public JobGuardBuilder hashKeys(String secret) {
        this.hashing = new KeyHashing(secret);
        return this;
    }

    /**
     * Replaces the way in which <code>${name}</code> in keys is resolved.
     *
     * @param resolver replaces all placeholders of a text, and fails with an {@link IllegalArgumentException} that names one
     *     without a value; by default system properties are looked at first, then environment variables
     * @return this builder
     */
    public JobGuardBuilder environment(UnaryOperator<String> resolver) {
        this.environment = resolver;
        return this;
    }

    /**
     * Has {@link JobGuard#run} look first whether its run could end with its work. A framework with transactions says no inside
     * of one, which would end after the run.
     *
     * @param look tells what is in the way on the calling thread, and the way out, if there is something
     * @return this builder
     */
    public JobGuardBuilder obstacle(Supplier<Optional<String>> look) {
        this.obstacle = look;
        return this;
    }

    /**
     * Lets a job that is put into a queue within a transaction keep its place only if that commits.
     *
     * @param current finds the transaction of the calling thread; by default none is seen
     * @return this builder
     */
    public JobGuardBuilder transactions(Supplier<Optional<CallersTransaction>> current) {
        this.transactions = current;
        return this;
    }

    /**
     * Lets the guard close the store, and the ledger, after the last run has ended.
     *
     * @return this builder
     */
    public JobGuardBuilder closesStore() {
        this.closesStore = true;
        return this;
    }

    /**
     * Replaces the clock, for tests.
     *
     * @param ticker the clock on which leases are judged
     * @return this builder
     */
    public JobGuardBuilder ticker(Ticker ticker) {
        this.ticker = ticker;
        return this;
    }

    /** For tests, which let threads fail to start. */
    JobGuardBuilder threads(GuardThreads own) {
        this.threads = own;
        return this;
    }

    /** For tests, in which the same seed gives the same owners. */
    JobGuardBuilder owners(Supplier<OwnerId> own) {
        this.owners = own;
        return this;
    }

    /**
     * Builds the guard.
     *
     * @return the guard
     * @throws IllegalArgumentException if the default ttl does not fit the store's answer timeout, or a default needs
     *     a ledger and there is none
     * @throws IllegalStateException if workers with other settings use the same ledger
     * @throws io.hapax.lease.LeaseStoreException if other workers of the store hash their keys otherwise, or the store
     *     cannot be asked about that; one that connects later refuses runs instead
     * @throws io.hapax.ledger.LedgerException if the ledger cannot be asked about settings
     */
    public JobGuard build() {
        LeaseTiming unusedTiming = RunTerms.timing(defaults, store, ledger);
        defaults.requireConsistent();
        if (defaults.needsReservations()) {
            Reservations unusedPlaces = RationedSource.reservations(store);
        }
        store.agree(hashing == null ? "" : hashing.fingerprint());
        if (ledger != null) {
            ledger.agree(fingerprint());
        }
        return new JobGuard(this);
    }

    List<GuardListener> allListeners(@Nullable LoggingListener log) {
        List<GuardListener> all = new ArrayList<>();
        if (log != null) {
            all.add(log);
        }
        all.addAll(listeners);
        return all;
    }

    /** Names the settings on which all workers have to agree. */
    String fingerprint() {
        return store.fingerprint() + (hashing == null ? "" : " " + hashing.fingerprint());
    }

    private static String processName() {
        String name = ManagementFactory.getRuntimeMXBean().getName();
        return name.isBlank() ? "pid-" + ProcessHandle.current().pid() : name;
    }
}

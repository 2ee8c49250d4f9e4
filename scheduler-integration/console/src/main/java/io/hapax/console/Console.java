package io.hapax.console;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.JobGuard;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AdministeredStore;
import io.hapax.time.Ticker;
import jakarta.servlet.http.HttpServlet;
import java.time.InstantSource;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * The console of one process: it remembers what the guard tells it, puts up what this worker is at, and serves a page
 * about the whole fleet. Build it, give it to the guard as a listener, start it with the guard, and mount its servlet, or
 * do not: then other workers' pages show this worker all the same. Thread-safe.
 */
public final class Console implements GuardListener, AutoCloseable {

    private static final int SHORTEST_CREDENTIAL = 8;

    private final AdministeredStore store;
    private final @Nullable RunLedger ledger;
    private final @Nullable String credential;
    private final Proxies proxies;
    private final InstantSource clock;
    private final RunHistory history;
    private final JobHistory jobs;
    private final Watcher watcher;
    private final JsonMapper json = JsonMapper.builder().build();
    private volatile @Nullable JobGuard guard;
    private volatile @Nullable Reporter reporter;
    private volatile @Nullable Page page;

    private Console(Builder builder, AdministeredStore store) {
        this.store = store;
        this.ledger = builder.ledger;
        this.credential = builder.credential;
        this.proxies = builder.proxies;
        this.clock = builder.clock;
        this.history = new RunHistory(clock);
        this.jobs = new JobHistory(clock);
        this.watcher = new Watcher(new Fleet(store, ledger, json, clock, Ticker.SYSTEM));
    }

    /**
     * Starts to build a console.
     *
     * @param store the guard's store, which has to be an {@link AdministeredStore}; it is not closed with the console
     * @return the builder
     */
    public static Builder builder(LeaseStore store) {
        return new Builder(store);
    }

    @Override
    public void on(GuardEvent event) {
        history.on(event);
        jobs.on(event);
    }

    /**
     * Starts to report what this worker is at.
     *
     * @param jobGuard the guard that has this console as a listener
     * @throws IllegalStateException if it was started before
     */
    public void start(JobGuard jobGuard) {
        if (guard != null) {
            throw new IllegalStateException("this console was started before");
        }
        guard = jobGuard;
        Reporter started = new Reporter(jobGuard, store, history, jobs, json);
        reporter = started;
        started.start();
        watcher.start();
    }

    /**
     * Returns the page and what it needs, to be mounted anywhere, with support for asynchronous requests.
     *
     * @return the servlet
     * @throws IllegalStateException if the console was not started
     */
    public HttpServlet servlet() {
        JobGuard started = guard;
        if (started == null) {
            throw new IllegalStateException("start the console before its servlet is used");
        }
        Page served = page;
        if (served == null) {
            Access access = new Access(credential, proxies, clock);
            served = new Page(new ConsoleServlet(started, store, ledger, access, watcher, json));
            page = served;
        }
        return served.servlet();
    }

    /** Of its own, so that a process without the servlet API can report: this class must not lead to it when loaded. */
    private record Page(ConsoleServlet pages) {
        HttpServlet servlet() {
            return pages;
        }

        void close() {
            pages.close();
        }
    }

    /** Ends the streams of those who watch, and serves no new ones; the worker goes on to report. */
    public void stopServing() {
        Page served = page;
        if (served != null) {
            served.close();
        }
    }

    /** Stops reporting, and ends the streams of those who watch. */
    @Override
    public void close() {
        Reporter started = reporter;
        if (started != null) {
            started.close();
        }
        watcher.close();
        stopServing();
    }

    /** Collects the settings of a console. Not thread-safe. */
    public static final class Builder {

        private final LeaseStore store;
        private @Nullable RunLedger ledger;
        private @Nullable String credential;
        private Proxies proxies = Proxies.NONE;
        private InstantSource clock = InstantSource.system();

        private Builder(LeaseStore store) {
            this.store = store;
        }

        /**
         * Shows abandoned occurrences, and lets operators decide about them.
         *
         * @param runs the guard's ledger; it is not closed with the console
         * @return this builder
         */
        public Builder ledger(RunLedger runs) {
            this.ledger = runs;
            return this;
        }

        /**
         * Asks everybody for a password or token, and lets those who have it change something. Without, clients on this
         * machine may read, and nobody may change anything.
         *
         * @param secret at least 8 characters
         * @return this builder
         * @throws IllegalArgumentException if it is too short
         */
        public Builder credential(String secret) {
            if (secret.length() < SHORTEST_CREDENTIAL) {
                throw new IllegalArgumentException("the console's credential must have at least " + SHORTEST_CREDENTIAL
                        + " characters, has " + secret.length() + ". A random text of 32 is a good one");
            }
            this.credential = secret;
            return this;
        }

        /**
         * Names the proxies before the page. Their {@code X-Forwarded-For} and {@code X-Forwarded-Proto} are believed, and
         * nobody else's, so that wrong credentials count for the client that sent them, and not for all behind a proxy.
         *
         * @param addresses addresses or ranges of them, such as {@code 10.0.0.7} or {@code 10.0.0.0/8}; by default none
         * @return this builder
         * @throws IllegalArgumentException if one is neither
         */
        public Builder proxies(Collection<String> addresses) {
            this.proxies = Proxies.of(addresses);
            return this;
        }

        /**
         * Replaces the clock by which the console tells ages and ends sessions, for tests.
         *
         * @param instead by default the wall clock of this machine
         * @return this builder
         */
        public Builder clock(InstantSource instead) {
            this.clock = instead;
            return this;
        }

        /**
         * Builds the console.
         *
         * @return the console; the caller closes it
         * @throws IllegalArgumentException if the store answers no operators
         */
        public Console build() {
            if (store instanceof AdministeredStore administered) {
                return new Console(this, administered);
            }
            throw new IllegalArgumentException(
                    "this lease store answers no operators, and has no board for reports, which the console needs: use the"
                            + " Redis store, or one that is an " + AdministeredStore.class.getName());
        }
    }
}

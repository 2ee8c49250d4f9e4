package io.hapax.console;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.JobGuardBuilder;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Workers of one fleet, in one process but with a store, a ledger, a guard and a console each. */
final class Workers implements AutoCloseable {

    static final String CREDENTIAL = "correct horse battery staple";

    /** How long Redis and PostgreSQL of a busy machine may take to answer. */
    static final Duration PATIENCE = Duration.ofSeconds(4);

    private static final Duration LONGEST_TTL = Duration.ofMinutes(1);

    private final EmbeddedRedis redis;
    private final @Nullable HikariDataSource database;
    private final String namespace = "shop";
    private final Map<String, Worker> workers = new LinkedHashMap<>();

    Workers(EmbeddedRedis redis, @Nullable DatabaseAddress database) {
        this.redis = redis;
        this.database = database == null ? null : pool(database);
    }

    /** A connection of its own for each claim would cost ten times what the claim does. */
    private static HikariDataSource pool(DatabaseAddress database) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(database.dataSource());
        config.setMaximumPoolSize(8);
        return new HikariDataSource(config);
    }

    /** One worker and what it holds. */
    static final class Worker implements AutoCloseable {
        private final RedissonLeaseStore store;
        private final @Nullable RunLedger ledger;
        private final Console console;
        private final JobGuard guard;
        private final Map<GuardedRun, GuardedRun.Scope> runs = new LinkedHashMap<>();

        private Worker(RedissonLeaseStore store, @Nullable RunLedger ledger, Console console, JobGuard guard) {
            this.store = store;
            this.ledger = ledger;
            this.console = console;
            this.guard = guard;
        }

        JobGuard guard() {
            return guard;
        }

        RunLedger ledger() {
            return Objects.requireNonNull(ledger);
        }

        Console console() {
            return console;
        }

        RedissonLeaseStore store() {
            return store;
        }

        /** Begins a run, which goes on until its worker is closed. */
        GuardedRun begin(RunRequest request) {
            try {
                GuardedRun run = guard.admit(request).fold(admitted -> admitted, refusal -> {
                    throw new AssertionError(refusal.toString());
                });
                runs.put(run, run.enter(OnLeaseLost.SIGNAL));
                return run;
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        /** A run that completes. */
        void succeed(RunRequest request) {
            GuardedRun run = begin(request);
            Objects.requireNonNull(runs.remove(run)).close();
            run.complete();
            run.close();
        }

        /** A run that fails. */
        void fail(RunRequest request) {
            GuardedRun run = begin(request);
            Objects.requireNonNull(runs.remove(run)).close();
            run.fail(new IllegalStateException("broken"));
            run.close();
        }

        Admission.Refused refused(RunRequest request) {
            try {
                return (Admission.Refused) guard.admit(request);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        /** A run that broke off, and that a person has to decide about; returns its fencing token. */
        String abandon(String job, String occurrence) {
            GuardedRun run = begin(RunRequest.occurrence(occurrence)
                    .job(job)
                    .tune(options -> options.withAfterCrash(AfterCrash.ABANDON)));
            ledger().release(run.lease().orElseThrow(), RunState.ABANDONED)
                    .toCompletableFuture()
                    .join();
            end(run);
            return run.fencingToken().toString();
        }

        /** On the thread that has begun them: what a test has left, so that it fails no other one. */
        void endAllBut(Set<GuardedRun> kept) {
            List.copyOf(runs.keySet()).stream()
                    .filter(run -> !kept.contains(run))
                    .forEach(this::end);
        }

        /** On the thread that has begun it. */
        void end(GuardedRun run) {
            Objects.requireNonNull(runs.remove(run)).close();
            run.close();
        }

        @Override
        public void close() {
            console.close();
            List.copyOf(runs.keySet()).forEach(this::end);
            guard.close();
            if (ledger != null) {
                ledger.close();
            }
            store.close();
        }
    }

    Worker start(String name) {
        return start(name, UnaryOperator.identity());
    }

    Worker start(String name, @Nullable String credential) {
        return start(name, builder -> credential == null ? builder : builder.credential(credential));
    }

    Worker start(String name, UnaryOperator<Console.Builder> settings) {
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(redis.url())
                .namespace(namespace)
                .answerTimeout(PATIENCE)
                .longestTtl(LONGEST_TTL)
                .firstStart(WallClock.now())
                .build();
        RunLedger ledger = database == null
                ? null
                : PostgresRunLedger.builder(database)
                        .namespace(namespace)
                        .answerTimeout(PATIENCE)
                        .migrate(true)
                        .build();
        Console.Builder builder = Console.builder(store);
        if (ledger != null) {
            builder.ledger(ledger);
        }
        Console console = settings.apply(builder).build();
        JobGuardBuilder guard =
                JobGuard.builder(store).worker(name).withoutLogging().listener(console);
        Worker worker = new Worker(store, ledger, console, (ledger == null ? guard : guard.ledger(ledger)).build());
        console.start(worker.guard);
        workers.put(name, worker);
        return worker;
    }

    Collection<Worker> all() {
        return workers.values();
    }

    Worker get(String name) {
        return Objects.requireNonNull(workers.get(name));
    }

    /** As a worker that is stopped, or dies: its reports end. */
    void stop(String name) {
        Objects.requireNonNull(workers.remove(name)).close();
    }

    @Override
    public void close() {
        workers.values().forEach(Worker::close);
        if (database != null) {
            database.close();
        }
    }
}

package io.hapax.benchmarks.faults.work;

import io.hapax.CurrentRun;
import io.hapax.JobGuard;
import io.hapax.shedlock.HapaxLockProvider;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Supplier;
import javax.sql.DataSource;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.core.SimpleLock;
import net.javacrumbs.shedlock.provider.jdbctemplate.JdbcTemplateLockProvider;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * ShedLock on PostgreSQL with the database's clock, or with the same locks as leases of Hapax in Redis. {@code lockAtMostFor} has
 * to be longer than the job takes, since its keep-alive starts at 30 s; for short jobs it is as long as the ttl of the others,
 * for long ones a third longer than the work. {@code lockAtLeastFor} covers the difference between the replicas' firing times.
 */
final class ShedLockGuarding implements Guarding {

    static final String SCHEMA = "CREATE TABLE IF NOT EXISTS shedlock (name VARCHAR(64) NOT NULL PRIMARY KEY,"
            + " lock_until TIMESTAMP NOT NULL, locked_at TIMESTAMP NOT NULL, locked_by VARCHAR(255) NOT NULL)";

    private static final Duration AT_LEAST = Duration.ofMillis(400);

    private final Work work;
    private final LockProvider locks;
    private final Supplier<Held> held;
    private final AutoCloseable guard;
    private final RamTicks ticks;

    private ShedLockGuarding(Settings settings, Work work, LockProvider locks, Supplier<Held> held, AutoCloseable guard)
            throws Exception {
        this.work = work;
        this.locks = locks;
        this.held = held;
        this.guard = guard;
        this.ticks = new RamTicks(settings.worker(), this::attempt);
    }

    /** With the provider that it comes with. */
    static ShedLockGuarding onDatabase(Settings settings, DataSource database, Work work) throws Exception {
        LockProvider locks = new JdbcTemplateLockProvider(JdbcTemplateLockProvider.Configuration.builder()
                .withJdbcTemplate(new JdbcTemplate(database))
                .usingDbTime()
                .build());
        return new ShedLockGuarding(settings, work, locks, () -> Held.NOTHING, () -> {});
    }

    /** With Hapax' provider, and all else as it is. */
    static ShedLockGuarding onHapax(Settings settings, DataSource database, Work work) throws Exception {
        JobGuard guard = JobGuard.builder(HapaxGuarding.store(settings, database))
                .worker(settings.worker())
                .closesStore()
                .defaults(options -> options.withTtl(Settings.TTL))
                .build();
        return new ShedLockGuarding(
                settings,
                work,
                HapaxLockProvider.of(guard),
                () -> new HapaxGuarding.Lease(CurrentRun.get(), false),
                () -> {
                    boolean unused = guard.shutdown(Settings.TTL);
                });
    }

    @Override
    public Answer attempt(Occurrence occurrence) throws Exception {
        Duration atMost = occurrence.kind() == Occurrence.Kind.LONG
                ? occurrence.length().multipliedBy(4).dividedBy(3)
                : Settings.TTL;
        Duration atLeast = occurrence.kind() == Occurrence.Kind.TICK ? AT_LEAST : Duration.ZERO;
        Optional<SimpleLock> lock =
                locks.lock(new LockConfiguration(InstantSource.system().instant(), occurrence.key(), atMost, atLeast));
        if (lock.isEmpty()) {
            return Answer.LATER;
        }
        try {
            work.perform(occurrence, held.get());
            return Answer.SETTLED;
        } finally {
            lock.get().unlock();
        }
    }

    @Override
    public void start() throws Exception {
        ticks.start();
    }

    @Override
    public void close() throws Exception {
        ticks.close();
        guard.close();
    }
}

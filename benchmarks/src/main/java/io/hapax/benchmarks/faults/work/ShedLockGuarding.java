package io.hapax.benchmarks.faults.work;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import javax.sql.DataSource;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.core.SimpleLock;
import net.javacrumbs.shedlock.provider.jdbctemplate.JdbcTemplateLockProvider;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * ShedLock on PostgreSQL with the database's clock. {@code lockAtMostFor} has to be longer than the job takes, since its
 * keep-alive begins at 30 s; it is as long as the ttl of the others for short jobs, and a third more than the work for long
 * ones. {@code lockAtLeastFor} covers the replicas' differences in firing.
 */
final class ShedLockGuarding implements Guarding {

    static final String SCHEMA = "CREATE TABLE IF NOT EXISTS shedlock (name VARCHAR(64) NOT NULL PRIMARY KEY,"
            + " lock_until TIMESTAMP NOT NULL, locked_at TIMESTAMP NOT NULL, locked_by VARCHAR(255) NOT NULL)";

    private static final Duration AT_LEAST = Duration.ofMillis(400);

    private final Work work;
    private final LockProvider locks;
    private final RamTicks ticks;

    ShedLockGuarding(Settings settings, DataSource database, Work work) throws Exception {
        this.work = work;
        this.locks = new JdbcTemplateLockProvider(JdbcTemplateLockProvider.Configuration.builder()
                .withJdbcTemplate(new JdbcTemplate(database))
                .usingDbTime()
                .build());
        this.ticks = new RamTicks(settings.worker(), this::attempt);
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
            work.perform(occurrence, Held.NOTHING);
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
    }
}

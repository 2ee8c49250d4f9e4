package io.hapax.benchmarks.cycle;

import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import java.time.InstantSource;
import net.javacrumbs.shedlock.core.LockConfiguration;
import net.javacrumbs.shedlock.core.LockProvider;
import net.javacrumbs.shedlock.core.SimpleLock;
import net.javacrumbs.shedlock.provider.jdbctemplate.JdbcTemplateLockProvider;
import org.springframework.jdbc.core.JdbcTemplate;

/** ShedLock on PostgreSQL, with the database's clock, as its documentation recommends. */
final class ShedLockPeer implements Contender {

    private static final int CONNECTIONS = 10;

    private final HikariDataSource database = new HikariDataSource();
    private final LockProvider locks;

    ShedLockPeer(Servers servers) {
        database.setJdbcUrl(servers.jdbc());
        database.setMaximumPoolSize(CONNECTIONS);
        JdbcTemplate jdbc = new JdbcTemplate(database);
        jdbc.execute("CREATE TABLE IF NOT EXISTS shedlock (name VARCHAR(64) NOT NULL PRIMARY KEY,"
                + " lock_until TIMESTAMP NOT NULL, locked_at TIMESTAMP NOT NULL, locked_by VARCHAR(255) NOT NULL)");
        this.locks = new JdbcTemplateLockProvider(JdbcTemplateLockProvider.Configuration.builder()
                .withJdbcTemplate(jdbc)
                .usingDbTime()
                .build());
    }

    @Override
    public void cycle(String key) {
        SimpleLock lock = locks.lock(new LockConfiguration(
                        InstantSource.system().instant(), key, Duration.ofSeconds(30), Duration.ZERO))
                .orElseThrow(() -> new IllegalStateException("not granted: " + key));
        lock.unlock();
    }

    @Override
    public void close() {
        database.close();
    }
}

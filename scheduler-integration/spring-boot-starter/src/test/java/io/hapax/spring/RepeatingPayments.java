package io.hapax.spring;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** Fails the first time, and is repeated under its guard. */
@TransactionalApplication.Repeated
public class RepeatingPayments {

    private final JdbcTemplate jdbc;
    private final Set<Integer> tried = ConcurrentHashMap.newKeySet();

    RepeatingPayments(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    @Guarded(once = "payment/%0")
    @Transactional(propagation = Propagation.NESTED)
    public GuardedRun payNested(int payment) {
        jdbc.update("INSERT INTO payment VALUES (?)", payment);
        if (tried.add(payment)) {
            throw new IllegalStateException("the first time");
        }
        return CurrentRun.get();
    }
}

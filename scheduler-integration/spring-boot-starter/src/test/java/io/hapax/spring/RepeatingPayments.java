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

    /** @param firstTime does something more in the first transaction */
    @Guarded(once = "payment/%0")
    @Transactional
    public GuardedRun pay(int payment, Runnable firstTime) {
        jdbc.update("INSERT INTO payment VALUES (?)", payment);
        if (tried.add(payment)) {
            firstTime.run();
        }
        return CurrentRun.get();
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

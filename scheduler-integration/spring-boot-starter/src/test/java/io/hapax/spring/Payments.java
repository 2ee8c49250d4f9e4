package io.hapax.spring;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.OnConflict;
import io.hapax.OnLeaseLost;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.interceptor.TransactionAspectSupport;
import org.springframework.transaction.support.TransactionTemplate;

/** What an application does in transactions, guarded: it counts, and pays. */
public class Payments {

    /** Which the application catches. */
    public static final class Declined extends Exception {
        private static final long serialVersionUID = 1L;
    }

    private final JdbcTemplate jdbc;
    private final TransactionTemplate transaction;

    Payments(JdbcTemplate jdbc, TransactionTemplate transaction) {
        this.jdbc = jdbc;
        this.transaction = transaction;
    }

    @Guarded(key = "counter/%0", onConflict = OnConflict.WAIT, waitTimeout = "30s")
    @Transactional
    public int increment(int counter) {
        int value = count(counter);
        // Time for others to read the same.
        LockSupport.parkNanos(50_000_000);
        jdbc.update("UPDATE counter SET value = ? WHERE id = ?", value + 1, counter);
        return value + 1;
    }

    int count(int counter) {
        Integer value = jdbc.queryForObject("SELECT value FROM counter WHERE id = ?", Integer.class, counter);
        return value == null ? 0 : value;
    }

    @Guarded(key = "sweep")
    @Transactional
    public String sweepAndRollBack() {
        TransactionAspectSupport.currentTransactionStatus().setRollbackOnly();
        return "swept";
    }

    @Guarded(key = "counter/%0", onConflict = OnConflict.FAIL)
    @Transactional
    public int incrementOrFail(int counter) {
        return increment(counter);
    }

    @Guarded(key = "counter/%0", onConflict = OnConflict.WAIT, waitTimeout = "300ms")
    @Transactional
    public int incrementSoon(int counter) {
        return increment(counter);
    }

    @Guarded(key = "counter/%0")
    @Transactional(propagation = Propagation.REQUIRES_NEW)
    public Integer incrementApart(int counter) {
        return increment(counter);
    }

    @Guarded(key = "counter/%0")
    public GuardedRun hold(int counter) {
        return CurrentRun.get();
    }

    @Guarded(key = "counter/%0", onLeaseLost = OnLeaseLost.SIGNAL)
    public GuardedRun holdQuietly(int counter) {
        return CurrentRun.get();
    }

    @Guarded(key = "counter/%0")
    @Transactional(propagation = Propagation.REQUIRES_NEW)
    public GuardedRun payApartUnder(int counter, Consumer<GuardedRun> more) {
        insert(counter);
        more.accept(CurrentRun.get());
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    @Transactional
    public GuardedRun pay(int payment) {
        insert(payment);
        return CurrentRun.get();
    }

    private void insert(int payment) {
        jdbc.update("INSERT INTO payment VALUES (?)", payment);
    }

    @Guarded(once = "payment/%0", onConflict = OnConflict.FAIL)
    @Transactional
    public int payOrFail(int payment) {
        insert(payment);
        return payment;
    }

    @Guarded(key = "account/%0", once = "payment/%1")
    @Transactional
    public GuardedRun payFrom(int account, int payment) {
        insert(payment);
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    public GuardedRun payWithoutTransaction(int payment) {
        insert(payment);
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    @Transactional
    public GuardedRun payAndRollBack(int payment) {
        insert(payment);
        TransactionAspectSupport.currentTransactionStatus().setRollbackOnly();
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    @Transactional
    public GuardedRun payAndDecline(int payment, boolean declines) throws Declined {
        insert(payment);
        if (declines) {
            throw new Declined();
        }
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    @Transactional(propagation = Propagation.REQUIRES_NEW)
    public GuardedRun payApart(int payment) {
        insert(payment);
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    @Transactional(propagation = Propagation.NOT_SUPPORTED)
    public GuardedRun payOutside(int payment) {
        insert(payment);
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    @Transactional(propagation = Propagation.NESTED)
    public GuardedRun payNested(int payment) {
        insert(payment);
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    @Transactional(propagation = Propagation.NESTED)
    public GuardedRun payNestedAndRollBack(int payment) {
        insert(payment);
        TransactionAspectSupport.currentTransactionStatus().setRollbackOnly();
        return CurrentRun.get();
    }

    /** Two transactions, and a crash between them the first time. */
    @Guarded(once = "payment/%0")
    public GuardedRun payInTwoSteps(int payment, boolean fails) {
        transaction.executeWithoutResult(first -> insert(payment));
        if (fails) {
            throw new IllegalStateException("between the steps");
        }
        transaction.executeWithoutResult(second -> insert(payment));
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    @Transactional
    public GuardedRun payAnd(int payment, Runnable more) {
        insert(payment);
        more.run();
        return CurrentRun.get();
    }

    @Guarded(once = "payment/%0")
    @Transactional
    public GuardedRun payAndCompleteByHand(int payment) {
        insert(payment);
        GuardedRun run = CurrentRun.get();
        jdbc.execute((ConnectionCallback<Void>) connection -> {
            run.completeIn(connection);
            return null;
        });
        return run;
    }

    @Guarded(once = "payment/%0")
    @Transactional(readOnly = true)
    public GuardedRun look(int payment) {
        paid(payment);
        return CurrentRun.get();
    }

    long paid(int payment) {
        Long rows = jdbc.queryForObject("SELECT count(*) FROM payment WHERE id = ?", Long.class, payment);
        return rows == null ? 0 : rows;
    }
}

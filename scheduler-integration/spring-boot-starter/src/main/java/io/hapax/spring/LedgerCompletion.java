package io.hapax.spring;

import io.hapax.WorkTransaction;
import io.hapax.ledger.RunLedger;
import io.hapax.postgres.PostgresRunLedger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.util.ClassUtils;
import org.springframework.util.function.SingletonSupplier;

/** Completes runs in the ledger as a part of the transaction that is about to commit, if the ledger is in its database. */
interface LedgerCompletion {

    /** Of an application without a ledger, or with one elsewhere: runs are completed when the transaction has committed. */
    LedgerCompletion LATER = run -> {};

    /**
     * Completes a run.
     *
     * @throws RuntimeException if the transaction must roll back
     */
    void complete(WorkTransaction run);

    /** That of an application's ledger, looked up when it is needed first. */
    static Supplier<LedgerCompletion> of(ObjectProvider<RunLedger> ledger, @Nullable ClassLoader classes) {
        boolean connections = ClassUtils.isPresent("org.springframework.jdbc.datasource.ConnectionHolder", classes);
        return SingletonSupplier.of(() -> connections && ledger.getIfUnique() instanceof PostgresRunLedger known
                ? new DataSourceCompletion(known.dataSource())
                : LATER);
    }
}

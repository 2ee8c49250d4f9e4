package io.hapax.testkit;

import io.hapax.lease.Lease;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

class InMemoryRunLedgerTest extends RunLedgerContract {

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryRunLedger ledger = new InMemoryRunLedger(ticker);
    private final InMemoryRunLedger other = ledger.otherClient();

    /** Without a database behind it; the ledger in memory does not look at it. */
    static Connection noConnection() {
        return (Connection) Proxy.newProxyInstance(
                Connection.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                    throw new SQLException(method.getName() + " on a connection without a database");
                });
    }

    static Completion completeIn(RunLedger client, Lease claim) {
        try {
            return client.completeIn(noConnection(), claim);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    protected RunLedger ledger() {
        return ledger;
    }

    @Override
    protected RunLedger otherClient() {
        return other;
    }

    @Override
    protected RunLedger freshNamespace() {
        return new InMemoryRunLedger(ticker);
    }

    @Override
    protected Completion completeInTransaction(RunLedger client, Lease claim) {
        return completeIn(client, claim);
    }

    @Override
    protected void letPass(Duration ttl) {
        ticker.advance(ttl.plusNanos(1));
    }
}

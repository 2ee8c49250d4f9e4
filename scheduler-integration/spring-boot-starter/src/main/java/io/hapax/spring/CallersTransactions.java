package io.hapax.spring;

import io.hapax.CallersTransaction;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** Finds Spring's transaction of the calling thread. */
final class CallersTransactions {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.spring");

    private CallersTransactions() {}

    static Optional<CallersTransaction> current() {
        if (!SpringTransactions.isKnown()) {
            return Optional.empty();
        }
        for (TransactionSynchronization each : TransactionSynchronizationManager.getSynchronizations()) {
            if (each instanceof Seen seen) {
                return Optional.of(seen);
            }
        }
        Seen seen = new Seen();
        TransactionSynchronizationManager.registerSynchronization(seen);
        return Optional.of(seen);
    }

    /** One transaction. Used by its thread. */
    private static final class Seen implements CallersTransaction, TransactionSynchronization {

        private final List<Consumer<Outcome>> listeners = new ArrayList<>();

        @Override
        public void whenEnded(Consumer<Outcome> listener) {
            listeners.add(listener);
        }

        @Override
        public void afterCompletion(int status) {
            Outcome outcome = switch (status) {
                case STATUS_COMMITTED -> Outcome.COMMITTED;
                case STATUS_ROLLED_BACK -> Outcome.ROLLED_BACK;
                default -> Outcome.UNKNOWN;
            };
            for (Consumer<Outcome> listener : listeners) {
                try {
                    listener.accept(outcome);
                } catch (RuntimeException | Error failure) {
                    LOG.error("a place in a queue could not be notified that its transaction has ended", failure);
                }
            }
        }
    }
}

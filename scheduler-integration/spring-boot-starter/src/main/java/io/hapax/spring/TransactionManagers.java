package io.hapax.spring;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.transaction.ReactiveTransactionManager;
import org.springframework.transaction.TransactionManager;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;

/** Refuses transaction managers whose transactions a guarded method would not see. */
final class TransactionManagers {

    private static final String JTA = "org.springframework.transaction.jta.JtaTransactionManager";

    private TransactionManagers() {}

    /** @throws InvalidSettingException if there is one that is not set to be ignored */
    static void requireKnown(ConfigurableListableBeanFactory beans) {
        List<String> ignored = beans.getBeanProvider(HapaxProperties.class).stream()
                .flatMap(settings -> settings.getIgnoredTransactionManagers().stream())
                .toList();
        for (String name : beans.getBeanNamesForType(TransactionManager.class, true, false)) {
            // One that was made before any other bean was looked at.
            TransactionEnds.watch(beans.containsSingleton(name) ? beans.getSingleton(name) : null);
            String trouble = ignored.contains(name) ? null : trouble(beans, name);
            if (trouble != null) {
                throw new InvalidSettingException(
                        "transaction manager '" + name + "'",
                        trouble
                                + ", so a guarded method that is called in one would give its lease back before it ends",
                        "Use a manager of local transactions for what guarded methods do; if they are never called in"
                                + " transactions of this one, add its name to hapax.ignored-transaction-managers",
                        null);
            }
        }
    }

    private static @Nullable String trouble(ConfigurableListableBeanFactory beans, String name) {
        Class<?> type = beans.getType(name, false);
        if (type != null && ReactiveTransactionManager.class.isAssignableFrom(type)) {
            return "its transactions are reactive and belong to no thread";
        }
        if (TypeNames.isA(type, JTA)) {
            return "its transactions are JTA's, and may start and end without Spring's knowledge";
        }
        Object manager = beans.containsSingleton(name) ? beans.getSingleton(name) : null;
        return manager instanceof AbstractPlatformTransactionManager known
                        && known.getTransactionSynchronization()
                                == AbstractPlatformTransactionManager.SYNCHRONIZATION_NEVER
                ? "it tells nobody when a transaction ends (transactionSynchronization = SYNCHRONIZATION_NEVER)"
                : null;
    }
}

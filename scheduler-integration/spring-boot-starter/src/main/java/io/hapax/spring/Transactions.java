package io.hapax.spring;

import io.hapax.GuardedRun;
import io.hapax.JobGuardBuilder;
import io.hapax.lease.JobIdentity;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.util.ClassUtils;

/** What the guard knows of the application's transactions. */
interface Transactions {

    /** Of an application that has none of Spring's. */
    Transactions NONE = new Transactions() {
        @Override
        public Scene scene(BeanMethod of, MethodInvocation call) {
            return Scene.ALONE;
        }

        @Override
        public boolean isOpen() {
            return false;
        }

        @Override
        public void watch(Object proxy, boolean guarded) {}

        @Override
        public void requireKnown(ConfigurableListableBeanFactory beans) {}
    };

    /** Whether the application can have some. */
    static boolean areThere(@Nullable ClassLoader classes) {
        return ClassUtils.isPresent("org.springframework.transaction.interceptor.TransactionInterceptor", classes);
    }

    /**
     * Has plain code refused in a transaction, with which its run would not end, and places in queues follow the transaction in which
     * they were taken.
     */
    static JobGuardBuilder told(JobGuardBuilder builder) {
        return areThere(null)
                ? builder.obstacle(() -> SpringTransactions.obstacle())
                        .transactions(() -> CallersTransactions.current())
                : builder;
    }

    /**
     * Looks where a guarded method is called.
     *
     * @throws IllegalStateException if there is a transaction whose end cannot be known; the message says why
     */
    Scene scene(BeanMethod of, MethodInvocation call);

    /** Whether the calling thread is in a transaction, whatever a method that it calls does about that. */
    boolean isOpen();

    /**
     * Notes the transactions that start around methods of a bean and are the work of a run, and those of a bean that manages
     * transactions.
     *
     * @param proxy the bean; nothing happens if it is neither a proxy nor a manager
     * @param guarded whether it has guarded methods
     */
    void watch(Object proxy, boolean guarded);

    /**
     * Looks through the transaction managers of the application.
     *
     * @throws InvalidSettingException if there is one whose transactions cannot be seen
     */
    void requireKnown(ConfigurableListableBeanFactory beans);

    /** The transactions in which a call takes place. */
    interface Scene {

        /** No transaction. */
        Scene ALONE = new Scene() {
            @Override
            public @Nullable PendingRun holder(JobIdentity wanted) {
                return null;
            }

            @Override
            public boolean isInTransaction() {
                return false;
            }

            @Override
            public boolean decides(PendingRun run) {
                return false;
            }

            @Override
            public PendingRun add(GuardedRun run) {
                throw new IllegalStateException("there is no transaction with which the " + run + " could end");
            }

            @Override
            public @Nullable String holding() {
                return null;
            }
        };

        /** The run of these transactions that has one of the wanted keys; null if there is none. */
        @Nullable
        PendingRun holder(JobIdentity wanted);

        /** Whether the method takes part in a transaction of its caller. */
        boolean isInTransaction();

        /** Whether that transaction is the one with which a run ends. */
        boolean decides(PendingRun run);

        /** Lets a run that was admitted end with the transaction of the caller. */
        PendingRun add(GuardedRun run);

        /** The keys that these transactions hold, as text for messages; null if there are none. */
        @Nullable
        String holding();
    }
}

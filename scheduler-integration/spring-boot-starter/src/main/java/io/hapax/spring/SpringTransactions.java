package io.hapax.spring;

import io.hapax.GuardedRun;
import io.hapax.WorkTransaction;
import io.hapax.lease.JobIdentity;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Supplier;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.Advisor;
import org.springframework.aop.Pointcut;
import org.springframework.aop.ProxyMethodInvocation;
import org.springframework.aop.framework.Advised;
import org.springframework.aop.support.AbstractBeanFactoryPointcutAdvisor;
import org.springframework.aop.support.AopUtils;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.interceptor.TransactionAttribute;
import org.springframework.transaction.interceptor.TransactionAttributeSource;
import org.springframework.transaction.interceptor.TransactionAttributeSourceAdvisor;
import org.springframework.transaction.interceptor.TransactionInterceptor;
import org.springframework.transaction.support.ResourceHolderSupport;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** Those of an application with Spring's transactions. Thread-safe. */
final class SpringTransactions implements Transactions {

    private static final String QUARTZ_JOB_BEAN = "org.springframework.scheduling.quartz.QuartzJobBean";

    private static final String REMEDY =
            "give the method @Transactional(propagation = REQUIRES_NEW), or NOT_SUPPORTED if"
                    + " it needs no transaction";

    /** The run whose method the thread is in: what its body calls is not that method. */
    private static final ThreadLocal<@Nullable GuardedRun> WITHIN = new ThreadLocal<>();

    private final BeanFactory beans;
    private final Supplier<LedgerCompletion> ledger;
    /** Comes after the advice that starts a transaction. */
    private final Advisor innermost;

    SpringTransactions(BeanFactory beans, Supplier<LedgerCompletion> ledger) {
        this.beans = beans;
        this.ledger = ledger;
        MethodInterceptor begins = this::begins;
        this.innermost = new DefaultPointcutAdvisor(Pointcut.TRUE, begins);
    }

    @Override
    public void watch(Object proxy, boolean guarded) {
        TransactionEnds.watch(proxy);
        if (proxy instanceof Advised advised
                && !advised.isFrozen()
                && (guarded || Arrays.stream(advised.getAdvisors()).anyMatch(this::isTransactional))
                && advised.indexOf(innermost) < 0) {
            advised.addAdvisor(innermost);
        }
    }

    /** Of an advice that is a bean only the type is looked at: the bean may need the one that is being made. */
    private boolean isTransactional(Advisor advisor) {
        String name = advisor instanceof AbstractBeanFactoryPointcutAdvisor named ? named.getAdviceBeanName() : null;
        if (name != null) {
            Class<?> type = beans.getType(name);
            return type != null && TransactionInterceptor.class.isAssignableFrom(type);
        }
        boolean isPlain = advisor instanceof AbstractBeanFactoryPointcutAdvisor
                || advisor instanceof TransactionAttributeSourceAdvisor
                || advisor instanceof DefaultPointcutAdvisor;
        return isPlain && advisor.getAdvice() instanceof TransactionInterceptor;
    }

    private @Nullable Object begins(MethodInvocation call) throws Throwable {
        Object target = call.getThis();
        Class<?> type = target == null ? call.getMethod().getDeclaringClass() : AopUtils.getTargetClass(target);
        GuardedRun within = WITHIN.get();
        GuardedRun run = runOf(type, call.getMethod().getName());
        if (run == null || run == within) {
            return call.proceed();
        }
        WITHIN.set(run);
        PendingRun own = null;
        try {
            own = isKnown() ? TransactionRuns.get(ledger.get()).begins(run) : null;
            Object value = call.proceed();
            if (own != null) {
                own.returned();
            }
            return value;
        } catch (Throwable thrown) {
            if (own != null) {
                own.failed(thrown);
            }
            throw thrown;
        } finally {
            if (within == null) {
                WITHIN.remove();
            } else {
                WITHIN.set(within);
            }
        }
    }

    private static @Nullable GuardedRun runOf(Class<?> type, String method) {
        boolean isOfQuartz = method.equals("executeInternal") && TypeNames.isA(type, QUARTZ_JOB_BEAN);
        return WorkTransaction.find(type, isOfQuartz ? "execute" : method).orElse(null);
    }

    /** Whether the thread is in a transaction that tells of its end. */
    static boolean isKnown() {
        return TransactionSynchronizationManager.isActualTransactionActive()
                && TransactionSynchronizationManager.isSynchronizationActive();
    }

    @Override
    public Scene scene(BeanMethod of, MethodInvocation call) {
        if (isFarFromAny() || suspends(of, call)) {
            return new InSpring(null);
        }
        if (isKnown()) {
            if (TransactionRuns.find() == null && (TransactionRuns.isClosing() || TransactionEnds.hasCommitted())) {
                throw ended(of);
            }
            return new InSpring(TransactionRuns.get(ledger.get()));
        }
        if (!TransactionSynchronizationManager.isSynchronizationActive()) {
            requireNoneOpen(of);
        }
        return new InSpring(null);
    }

    /** What is in the way of plain code on this thread. */
    static Optional<String> obstacle() {
        return isAnyOpen()
                ? Optional.of(
                        "it is called in a transaction that ends later, so its key would be given back, and its occurrence"
                                + " noted as done, before the commit. Start the transaction inside the run, or call a bean method"
                                + " with @Guarded instead; if the code is no part of the transaction, ask with RunRequest.apart()")
                : Optional.empty();
    }

    @Override
    public boolean isOpen() {
        return isAnyOpen();
    }

    private static boolean isAnyOpen() {
        return TransactionSynchronizationManager.isActualTransactionActive() || isBoundUnsynchronized();
    }

    private static boolean isBoundUnsynchronized() {
        return !TransactionSynchronizationManager.isSynchronizationActive()
                && TransactionSynchronizationManager.getResourceMap().values().stream()
                        .anyMatch(bound -> bound instanceof ResourceHolderSupport holder
                                && holder.isSynchronizedWithTransaction());
    }

    private static boolean isFarFromAny() {
        return !TransactionSynchronizationManager.isSynchronizationActive()
                && !TransactionSynchronizationManager.isActualTransactionActive()
                && TransactionSynchronizationManager.getResourceMap().isEmpty();
    }

    @Override
    public void requireKnown(ConfigurableListableBeanFactory beans) {
        TransactionManagers.requireKnown(beans);
    }

    /** Refuses to ignore a transaction whose end nobody reports. */
    private static void requireNoneOpen(BeanMethod of) {
        if (TransactionSynchronizationManager.isActualTransactionActive()) {
            throw ended(of);
        }
        if (isBoundUnsynchronized()) {
            throw new IllegalStateException(
                    "@Guarded on " + of.shown() + ": the call is in a transaction whose manager does"
                            + " not synchronize (transactionSynchronization = SYNCHRONIZATION_NEVER), so nobody would be notified when"
                            + " it ends. Let its manager synchronize, or " + REMEDY);
        }
    }

    private static IllegalStateException ended(BeanMethod of) {
        return new IllegalStateException(
                "@Guarded on " + of.shown() + ": the transaction of the calling thread has ended"
                        + " already, as for a listener that is called after the commit, and what the method writes would be in no"
                        + " transaction that commits. To guard it there, " + REMEDY);
    }

    /** Whether the method's own advice takes it out of the transaction of its caller. */
    private boolean suspends(BeanMethod of, MethodInvocation call) {
        if (call instanceof ProxyMethodInvocation proxied && proxied.getProxy() instanceof Advised advised) {
            Method method = AopUtils.getMostSpecificMethod(call.getMethod(), of.type());
            return Arrays.stream(advised.getAdvisors())
                    .filter(this::isTransactional)
                    .map(advisor -> ((TransactionInterceptor) advisor.getAdvice()).getTransactionAttributeSource())
                    .anyMatch(source -> suspends(source, method, of.type()));
        }
        return false;
    }

    private static boolean suspends(@Nullable TransactionAttributeSource source, Method method, Class<?> type) {
        TransactionAttribute attribute = source == null ? null : source.getTransactionAttribute(method, type);
        if (attribute == null) {
            return false;
        }
        int propagation = attribute.getPropagationBehavior();
        return propagation == TransactionDefinition.PROPAGATION_REQUIRES_NEW
                || propagation == TransactionDefinition.PROPAGATION_NOT_SUPPORTED;
    }

    /** @param caller the runs of the caller's transaction that the method takes part in; null if there is none */
    private record InSpring(@Nullable TransactionRuns caller) implements Scene {

        @Override
        public @Nullable PendingRun holder(JobIdentity wanted) {
            return TransactionRuns.holder(wanted);
        }

        @Override
        public boolean isInTransaction() {
            return caller != null;
        }

        @Override
        public boolean decides(PendingRun run) {
            return caller != null && caller.contains(run);
        }

        @Override
        public PendingRun add(GuardedRun run) {
            if (caller == null) {
                throw new IllegalStateException("there is no transaction with which the " + run + " could end");
            }
            return caller.add(run);
        }

        @Override
        public @Nullable String holding() {
            return TransactionRuns.holding();
        }
    }
}

package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.context.event.ApplicationStartedEvent;
import org.springframework.context.ApplicationListener;

/** Says once, when the application has started, what is guarded, and by what. */
final class StartLine implements ApplicationListener<ApplicationStartedEvent> {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.spring");

    private final ConfigurableListableBeanFactory beans;
    private final GuardedMethodPostProcessor methods;
    private final AtomicBoolean told = new AtomicBoolean();

    StartLine(ConfigurableListableBeanFactory beans, GuardedMethodPostProcessor methods) {
        this.beans = beans;
        this.methods = methods;
    }

    @Override
    public void onApplicationEvent(ApplicationStartedEvent started) {
        JobGuard guard = made(JobGuard.class);
        if (guard == null || !told.compareAndSet(false, true)) {
            return;
        }
        try {
            tell(guard, made(LeaseStore.class), made(RunLedger.class));
        } catch (RuntimeException | Error broken) {
            // Whatever a store of the application does, it does not end the start.
            LOG.warn("cannot say what is guarded", broken);
        }
    }

    private void tell(JobGuard guard, @Nullable LeaseStore store, @Nullable RunLedger ledger) {
        String settings = store == null ? "" : store.fingerprint();
        LOG.info(
                "guarding {} as worker '{}': leases in {}{}, {}; ttl {} unless a job says otherwise",
                guarded(),
                guard.worker(),
                store == null ? "a store of the guard's own" : store.getClass().getSimpleName(),
                settings.isEmpty() ? "" : " [" + settings + "]",
                ledger == null ? "no ledger" : "with a ledger",
                guard.defaults().ttl());
    }

    /** The one bean of a type that there is; none is made for the sake of a line, which matters where beans are lazy. */
    private <T> @Nullable T made(Class<T> type) {
        List<String> names = List.of(beans.getBeanNamesForType(type, false, false));
        List<String> primary = names.stream()
                .filter(name -> beans.containsBeanDefinition(name)
                        && beans.getBeanDefinition(name).isPrimary())
                .toList();
        List<String> meant = names.size() == 1 ? names : primary;
        Object bean =
                meant.size() == 1 && beans.containsSingleton(meant.get(0)) ? beans.getSingleton(meant.get(0)) : null;
        return type.isInstance(bean) ? type.cast(bean) : null;
    }

    private String guarded() {
        List<String> all = new ArrayList<>();
        // Schedulers depend on it, so that they end first.
        String[] schedulers = beans.getDependentBeans(HapaxAutoConfiguration.SHUTDOWN);
        if (schedulers.length > 0) {
            Arrays.sort(schedulers);
            all.add("schedulers " + String.join(", ", schedulers));
        }
        int count = methods.count(false);
        if (count > 0) {
            all.add(count + (count == 1 ? " bean method (" : " bean methods (") + methods.count(true) + " scheduled)");
        }
        return all.isEmpty() ? "no scheduler and no bean method" : String.join(", and ", all);
    }
}

package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.context.event.ApplicationStartedEvent;
import org.springframework.context.ApplicationListener;

/** Says once, when the application has started, what is guarded, and by what. */
final class StartLine implements ApplicationListener<ApplicationStartedEvent> {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.spring");

    private final ConfigurableListableBeanFactory beans;
    private final GuardedMethodPostProcessor methods;
    private final ObjectProvider<JobGuard> guard;
    private final ObjectProvider<LeaseStore> store;
    private final ObjectProvider<RunLedger> ledger;
    private final AtomicBoolean told = new AtomicBoolean();

    StartLine(
            ConfigurableListableBeanFactory beans,
            GuardedMethodPostProcessor methods,
            ObjectProvider<JobGuard> guard,
            ObjectProvider<LeaseStore> store,
            ObjectProvider<RunLedger> ledger) {
        this.beans = beans;
        this.methods = methods;
        this.guard = guard;
        this.store = store;
        this.ledger = ledger;
    }

    @Override
    public void onApplicationEvent(ApplicationStartedEvent started) {
        JobGuard made = guard.getIfUnique();
        if (made != null && told.compareAndSet(false, true)) {
            LeaseStore leases = store.getIfUnique();
            String settings = leases == null ? "" : leases.fingerprint();
            LOG.info(
                    "guarding {} as worker '{}': leases in {}{}, {}; ttl {} unless a job says otherwise",
                    guarded(),
                    made.worker(),
                    leases == null
                            ? "a store of the guard's own"
                            : leases.getClass().getSimpleName(),
                    settings.isEmpty() ? "" : " [" + settings + "]",
                    ledger.getIfUnique() == null ? "no ledger" : "with a ledger",
                    made.defaults().ttl());
        }
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

package io.hapax.quartz;

import io.hapax.JobGuard;
import io.hapax.JobGuardBuilder;
import io.hapax.RunOptions;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreProvider;
import io.hapax.lease.NamespaceRules;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** The plugin's settings as they were written, until the scheduler is there. Not thread-safe. */
final class PluginSettings {

    private final Map<String, String> options = new LinkedHashMap<>();
    private final Map<String, String> store = new HashMap<>();
    private @Nullable String redisUrl;
    private @Nullable String worker;
    private String retryDelay = "500ms";
    private int maxRetries = 1000;
    private @Nullable Boolean fixedStart;
    private boolean alone;

    void option(String name, String value) {
        options.put(name, value);
    }

    void store(String name, String value) {
        store.put(name, value);
    }

    void redisUrl(String url) {
        this.redisUrl = url;
    }

    void worker(String name) {
        this.worker = name;
    }

    void retryDelay(String delay) {
        this.retryDelay = delay;
    }

    void maxRetries(int retries) {
        this.maxRetries = retries;
    }

    void fixedStart(boolean fixed) {
        this.fixedStart = fixed;
    }

    void alone(boolean isAlone) {
        this.alone = isAlone;
    }

    boolean isAlone() {
        return alone;
    }

    boolean startsAreFixed(boolean storeIsShared) {
        return fixedStart == null ? storeIsShared : fixedStart;
    }

    /** Whether there is a setting that only a guard of the plugin's own can follow. */
    boolean describesGuard() {
        return redisUrl != null || worker != null || !store.isEmpty();
    }

    /** The retries; what is wrong with them is found here. */
    RetryTriggers retries(InstantSource clock) {
        Duration delay = DurationText.parse("retryDelay", retryDelay);
        if (delay.isZero()) {
            throw new IllegalArgumentException("setting retryDelay: must not be zero, or retries would never pause");
        }
        if (maxRetries < 0) {
            throw new IllegalArgumentException(
                    "setting maxRetries: must not be negative, was " + maxRetries + "; 0 switches retries off");
        }
        return new RetryTriggers(
                delay, maxRetries, clock, bound -> ThreadLocalRandom.current().nextLong(bound));
    }

    RunOptions options(RunOptions defaults) {
        return defaults.with(options);
    }

    /** A guard of its own, on a store that it closes after its last run. */
    JobGuard open(String scheduler) {
        if (redisUrl == null) {
            throw new IllegalArgumentException("Hapax does not know where to keep its leases: set "
                    + "org.quartz.plugin.<name>.redisUrl (for example redis://localhost:6379) in quartz.properties, "
                    + "or give a guard in code: HapaxPlugin.install(scheduler, guard)");
        }
        RunOptions defaults = options(RunOptions.DEFAULTS);
        LeaseStore opened = LeaseStoreProvider.openStore(redisUrl, storeSettings(scheduler, defaults));
        try {
            JobGuardBuilder builder =
                    JobGuard.builder(opened).defaults(all -> defaults).closesStore();
            return (worker == null ? builder : builder.worker(worker)).build();
        } catch (RuntimeException wrong) {
            opened.close();
            throw wrong;
        }
    }

    private Map<String, String> storeSettings(String scheduler, RunOptions defaults) {
        Map<String, String> settings = new HashMap<>(store);
        settings.computeIfAbsent(
                "namespace",
                none -> NamespaceRules.derived(
                        "org.quartz.scheduler.instanceName",
                        scheduler,
                        "org.quartz.plugin.<name>.namespace to the name of the application and its environment"));
        settings.putIfAbsent("answerTimeout", defaults.fittingAnswerTimeout().toMillis() + "ms");
        settings.putIfAbsent("longestTtl", defaults.fittingLongestTtl().toMillis() + "ms");
        return settings;
    }
}

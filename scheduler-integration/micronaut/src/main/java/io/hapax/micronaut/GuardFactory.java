package io.hapax.micronaut;

import io.hapax.JobGuard;
import io.hapax.JobGuardBuilder;
import io.hapax.RunOptions;
import io.hapax.Setting;
import io.hapax.event.GuardListener;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.micronaut.context.annotation.Bean;
import io.micronaut.context.annotation.Factory;
import io.micronaut.context.annotation.Requires;
import io.micronaut.context.annotation.Value;
import io.micronaut.context.env.Environment;
import io.micronaut.context.exceptions.ConfigurationException;
import io.micronaut.core.naming.conventions.StringConvention;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Builds the guard from the application's {@link LeaseStore}, its {@link RunLedger} and listeners, if there are any, and what
 * {@code hapax.worker} and {@code hapax.defaults.*} say, unless the application has a guard of its own.
 */
@Factory
@Requires(property = "hapax.enabled", notEquals = "false")
final class GuardFactory {

    private static final String DEFAULTS = "hapax.defaults";

    @Singleton
    @Bean(preDestroy = "close")
    @Requires(missingBeans = JobGuard.class)
    @Requires(beans = LeaseStore.class)
    JobGuard hapaxJobGuard(
            Environment environment,
            @Nullable @Value("${hapax.worker:}") String worker,
            LeaseStore store,
            @Nullable RunLedger ledger,
            List<GuardListener> listeners) {
        RunOptions defaults = defaults(environment);
        JobGuardBuilder builder = JobGuard.builder(store)
                .defaults(all -> defaults)
                .environment(text -> environment.getPlaceholderResolver().resolveRequiredPlaceholders(text));
        for (GuardListener listener : listeners) {
            builder = builder.listener(listener);
        }
        builder = ledger == null ? builder : builder.ledger(ledger);
        JobGuard guard = (worker == null || worker.isEmpty() ? builder : builder.worker(worker)).build();
        try {
            guard.check(defaults);
        } catch (IllegalArgumentException wrong) {
            guard.close();
            throw new ConfigurationException(DEFAULTS + ": " + wrong.getMessage(), wrong);
        }
        return guard;
    }

    private static RunOptions defaults(Environment environment) {
        Map<String, String> layer = new TreeMap<>();
        environment
                .getProperties(DEFAULTS, StringConvention.RAW)
                .forEach((name, value) -> layer.put(setting(name), String.valueOf(value)));
        try {
            return RunOptions.DEFAULTS.with(layer);
        } catch (IllegalArgumentException wrong) {
            throw new ConfigurationException(DEFAULTS + ": " + wrong.getMessage(), wrong);
        }
    }

    /** Micronaut's names are in kebab case. */
    private static String setting(String name) {
        return Setting.ALL.stream()
                .filter(each -> each.kebabName().equals(name))
                .map(Setting::name)
                .findFirst()
                .orElse(name);
    }
}

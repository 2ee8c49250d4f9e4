package io.hapax;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * What the lines that are logged for a run say of it: {@code hapax.job}, {@code hapax.key}, {@code hapax.occurrence},
 * {@code hapax.owner}, {@code hapax.token}. Closing it puts back what was there before.
 */
final class LogContext implements AutoCloseable {

    private final Map<String, @Nullable String> before = new LinkedHashMap<>();

    private LogContext() {}

    static LogContext of(GuardedRun run) {
        return of(run.job(), run.identity(), run.leaseOrNull());
    }

    static LogContext of(String job, JobIdentity identity, @Nullable Lease lease) {
        LogContext context = new LogContext();
        context.put("hapax.job", job);
        context.put("hapax.key", identity.lock().map(LockKey::value).orElse(null));
        context.put("hapax.occurrence", identity.run().map(RunKey::value).orElse(null));
        context.put("hapax.owner", lease == null ? null : lease.owner().value());
        context.put("hapax.token", lease == null ? null : lease.token().toString());
        return context;
    }

    private void put(String name, @Nullable String value) {
        before.put(name, MDC.get(name));
        set(name, value);
    }

    private static void set(String name, @Nullable String value) {
        if (value == null) {
            MDC.remove(name);
        } else {
            MDC.put(name, value);
        }
    }

    @Override
    public void close() {
        before.forEach(LogContext::set);
    }
}

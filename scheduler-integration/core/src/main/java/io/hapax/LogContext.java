package io.hapax;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * What the lines that are logged for a run say of it: {@code hapax.job}, {@code hapax.key}, {@code hapax.occurrence},
 * {@code hapax.owner}, {@code hapax.token}. Closing it puts back what was there before.
 */
final class LogContext implements AutoCloseable {

    private static final String[] NAMES = {"hapax.job", "hapax.key", "hapax.occurrence", "hapax.owner", "hapax.token"};

    private final @Nullable String[] before = new @Nullable String[NAMES.length];

    private LogContext(@Nullable String... values) {
        for (int n = 0; n < NAMES.length; n++) {
            before[n] = MDC.get(NAMES[n]);
            set(NAMES[n], values[n]);
        }
    }

    static LogContext of(GuardedRun run) {
        return of(run.job(), run.identity(), run.lease().orElse(null));
    }

    static LogContext of(String job, JobIdentity identity, @Nullable Lease lease) {
        LockKey lock = identity.lockKey();
        RunKey run = identity.runKey();
        return new LogContext(
                VisibleText.of(job),
                lock == null ? null : lock.value(),
                run == null ? null : run.value(),
                lease == null ? null : lease.owner().value(),
                lease == null ? null : lease.token().toString());
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
        for (int n = 0; n < NAMES.length; n++) {
            set(NAMES[n], before[n]);
        }
    }
}

package io.hapax;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * What the lines that are logged for a run say of it: {@code hapax.job}, {@code hapax.key}, {@code hapax.occurrence},
 * {@code hapax.owner}, {@code hapax.token}. Closing it puts back what was there before.
 */
final class LogContext implements AutoCloseable {

    private static final String[] NAMES = {"hapax.job", "hapax.key", "hapax.occurrence", "hapax.owner", "hapax.token"};

    /** Where nothing was there before, as on most threads. */
    private static final LogContext OUTERMOST = new LogContext(new @Nullable String[NAMES.length]);

    /** Where the run around it was shown: what that said need not be kept for as long as runs are held. */
    private static final LogContext NESTED = new LogContext(OUTERMOST.before);

    private final @Nullable String[] before;

    private LogContext(@Nullable String[] before) {
        this.before = before;
    }

    /**
     * Shows a run.
     *
     * @param outer the run around it, if there is one
     */
    static LogContext of(GuardedRun run, @Nullable GuardedRun outer) {
        return shown(values(run), outer);
    }

    static LogContext of(String job, JobIdentity identity, @Nullable Lease lease) {
        return shown(values(job, identity, lease), null);
    }

    private static LogContext shown(@Nullable String[] values, @Nullable GuardedRun outer) {
        @Nullable String[] before = new @Nullable String[NAMES.length];
        for (int n = 0; n < NAMES.length; n++) {
            before[n] = MDC.get(NAMES[n]);
        }
        set(values);
        if (outer != null && Arrays.equals(before, values(outer))) {
            return NESTED;
        }
        return Arrays.equals(before, OUTERMOST.before) ? OUTERMOST : new LogContext(before);
    }

    private static @Nullable String[] values(GuardedRun run) {
        return values(run.job(), run.identity(), run.lease().orElse(null));
    }

    private static @Nullable String[] values(String job, JobIdentity identity, @Nullable Lease lease) {
        LockKey lock = identity.lockKey();
        RunKey run = identity.runKey();
        return new @Nullable String[] {
            VisibleText.of(job),
            lock == null ? null : lock.value(),
            run == null ? null : run.value(),
            lease == null ? null : lease.owner().value(),
            lease == null ? null : lease.token().toString()
        };
    }

    private static void set(@Nullable String[] values) {
        for (int n = 0; n < NAMES.length; n++) {
            String value = values[n];
            if (value == null) {
                MDC.remove(NAMES[n]);
            } else {
                MDC.put(NAMES[n], value);
            }
        }
    }

    /** Puts back what was there before, which may be the run around it. */
    void close(@Nullable GuardedRun outer) {
        set(this == NESTED && outer != null ? values(outer) : before);
    }

    @Override
    public void close() {
        set(before);
    }
}

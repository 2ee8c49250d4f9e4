package io.hapax.micrometer;

import io.hapax.JobGuard;
import io.hapax.thread.GuardThreads;
import io.hapax.thread.OneAtATime;
import io.micrometer.core.instrument.Clock;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * How many occurrences in a guard's ledger wait for an operator. A reader gets at once what is known; the ledger is
 * asked meanwhile, for the next look. Thread-safe.
 */
final class AbandonedOccurrences {

    /** More of them are not counted, so that the ledger never has to return a whole table. */
    static final int MOST = 1_000;

    static final Duration ASKED_EVERY = Duration.ofSeconds(30);
    /** Longer than the pauses between usual scrapes: an older answer says nothing of now. */
    static final Duration KNOWN_FOR = Duration.ofMinutes(5);

    private final WeakReference<JobGuard> guard;
    private final Clock clock;
    private final OneAtATime asking = new OneAtATime(KNOWN_FOR);
    /** Written only by who is asking. */
    private volatile @Nullable Answer last;

    AbandonedOccurrences(WeakReference<JobGuard> guard, Clock clock) {
        this.guard = guard;
        this.clock = clock;
    }

    /** Not a number while it is not known. */
    double count() {
        long now = clock.monotonicTime();
        JobGuard asked = guard.get();
        if (asked == null) {
            return Double.NaN;
        }
        if (isOlder(last, ASKED_EVERY, now)) {
            boolean unused = asking.ask(() -> asked(asked, now));
        }
        Answer known = last;
        return known == null || isOlder(known, KNOWN_FOR, now) ? Double.NaN : known.count;
    }

    private CompletionStage<?> asked(JobGuard asked, long now) {
        return GuardThreads.ask(() -> asked.admin().abandoned(MOST))
                .whenComplete(
                        (entries, failure) -> last = new Answer(now, entries == null ? Double.NaN : entries.size()));
    }

    private static boolean isOlder(@Nullable Answer answer, Duration age, long now) {
        return answer == null || now - answer.asked >= age.toNanos();
    }

    /** Failures are remembered too, lest a ledger that is down be asked at each look. */
    private record Answer(long asked, double count) {}
}

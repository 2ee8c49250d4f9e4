package io.hapax.micronaut;

import io.micronaut.scheduling.cron.CronExpression;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.Optional;

/** For when a firing of a cron expression was planned, which Micronaut does not tell. */
final class PlannedTime {

    private static final Duration FIRST_LOOK = Duration.ofSeconds(1);
    private static final Duration LONGEST_LOOK = Duration.ofDays(5 * 366);

    /** A scheduler waits on the monotonic clock; that of the wall may be set back meanwhile, and the firing be too early by it. */
    private static final Duration MOST_EARLY = Duration.ofMinutes(1);

    private static final int EARLY_PART = 10;

    private PlannedTime() {}

    /**
     * Finds the planned time of what fires now: the latest that is not after now, or the next one if that is due almost.
     *
     * @return the time; empty if the expression has never been due in four years
     * @throws IllegalArgumentException if the expression cannot be parsed
     */
    static Optional<ZonedDateTime> of(String cron, ZonedDateTime now) {
        CronExpression expression = CronExpression.create(cron);
        Optional<ZonedDateTime> last = latest(expression, now);
        Optional<ZonedDateTime> next = next(expression, now);
        boolean isEarly = next.filter(time -> {
                    Duration early = Duration.between(now, time);
                    Duration period = Duration.between(last.orElse(now), time);
                    return early.compareTo(MOST_EARLY) <= 0
                            && (last.isEmpty() || early.compareTo(period.dividedBy(EARLY_PART)) <= 0);
                })
                .isPresent();
        return isEarly ? next : last;
    }

    /** Looks back twice as far each time, then forward: expressions only know what comes next. */
    private static Optional<ZonedDateTime> latest(CronExpression expression, ZonedDateTime now) {
        for (Duration look = FIRST_LOOK; look.compareTo(LONGEST_LOOK) <= 0; look = look.multipliedBy(2)) {
            Optional<ZonedDateTime> found = due(expression, now.minus(look), now);
            if (found.isEmpty()) {
                continue;
            }
            ZonedDateTime latest = found.get();
            for (Optional<ZonedDateTime> later = found; later.isPresent(); later = due(expression, latest, now)) {
                latest = later.get();
            }
            return Optional.of(latest);
        }
        return Optional.empty();
    }

    private static Optional<ZonedDateTime> due(CronExpression expression, ZonedDateTime after, ZonedDateTime now) {
        return next(expression, after).filter(time -> !time.isAfter(now));
    }

    private static Optional<ZonedDateTime> next(CronExpression expression, ZonedDateTime after) {
        try {
            return Optional.of(expression.nextTimeAfter(after));
        } catch (IllegalArgumentException never) {
            return Optional.empty();
        }
    }
}

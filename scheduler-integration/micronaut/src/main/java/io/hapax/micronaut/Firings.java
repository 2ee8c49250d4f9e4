package io.hapax.micronaut;

import io.hapax.RunRequest;
import io.hapax.Throttle;
import io.hapax.policy.GuardedCall;
import io.hapax.policy.KeyPath;
import io.micronaut.aop.MethodInvocationContext;
import io.micronaut.context.annotation.Requires;
import io.micronaut.core.annotation.AnnotationValue;
import io.micronaut.core.convert.ConversionService;
import io.micronaut.scheduling.annotation.Scheduled;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/**
 * Which firing a call of a scheduled method is. One of a cron expression has a planned time, the same on all replicas, which is its
 * run key. Those of a rate or a delay are planned from when each replica has started: of these one may start in each period. Other
 * code that calls the method counts as its scheduler. Immutable.
 */
@Singleton
@Requires(property = "hapax.enabled", notEquals = "false")
final class Firings {

    /** A run key has 512 bytes. */
    private static final int MOST_BEFORE_TIME = 400;
    /** Clocks of a machine and its store may differ by this part. */
    private static final int DRIFT = 1_000;

    /** Micronaut plans by the zone of the machine where none is named. */
    private @interface OfThisMachine {}

    private final ConversionService conversions;
    private final InstantSource clock;

    Firings(ConversionService conversions) {
        this.conversions = conversions;
        this.clock = InstantSource.system();
    }

    boolean isScheduled(MethodInvocationContext<?, ?> call) {
        return call.hasAnnotation(Scheduled.class);
    }

    RunRequest request(RunRequest plain, GuardedCall call, MethodInvocationContext<?, ?> context) {
        List<AnnotationValue<Scheduled>> schedules = context.getAnnotationValuesByType(Scheduled.class);
        Optional<ZonedDateTime> planned =
                schedules.stream().flatMap(each -> planned(each).stream()).max(ZonedDateTime::compareTo);
        // A call does not say which of its schedules has fired it, and those of a rate have no planned time.
        if (planned.isPresent() && schedules.stream().allMatch(Firings::isCron)) {
            String name = planned.get().toInstant().toString();
            return plain.once(KeyPath.bounded(call.path(), MOST_BEFORE_TIME) + "@" + name)
                    .planned();
        }
        return schedules.size() == 1 && !call.policy().options().throttle().isLimited()
                ? paced(plain, call, schedules.get(0))
                : plain;
    }

    private static boolean isCron(AnnotationValue<Scheduled> schedule) {
        return schedule.stringValue("cron").filter(text -> !text.isEmpty()).isPresent();
    }

    private Optional<ZonedDateTime> planned(AnnotationValue<Scheduled> schedule) {
        ZoneId zone = schedule.stringValue("zoneId")
                .filter(text -> !text.isEmpty())
                .map(ZoneId::of)
                .orElseGet(Firings::zone);
        return schedule.stringValue("cron")
                .filter(text -> !text.isEmpty())
                .flatMap(text -> PlannedTime.of(text, clock.instant().atZone(zone)));
    }

    @OfThisMachine
    private static ZoneId zone() {
        return ZoneId.systemDefault();
    }

    private RunRequest paced(RunRequest plain, GuardedCall call, AnnotationValue<Scheduled> schedule) {
        Duration period = schedule.stringValue("fixedRate")
                .or(() -> schedule.stringValue("fixedDelay"))
                .flatMap(text -> conversions.convert(text, Duration.class))
                .orElse(Duration.ZERO);
        Duration pause = period.minus(period.dividedBy(DRIFT)).truncatedTo(ChronoUnit.MILLIS);
        return pause.isZero()
                ? plain
                : plain.tune(options -> options.withThrottle(new Throttle(1, pause)))
                        .pacedBy(KeyPath.bounded(call.path()));
    }
}

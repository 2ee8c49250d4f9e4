package io.hapax.micrometer;

import io.hapax.JobGuard;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.RunOutcome;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter.MeterProvider;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.LongStream;

/**
 * Counts and times what the guard tells.
 *
 * <table>
 *   <caption>Meters</caption>
 *   <tr><th>meter</th><th>kind</th><th>tags</th><th>meaning</th></tr>
 *   <tr><td>{@code hapax.runs}</td><td>counter</td><td>{@code job}, {@code outcome}</td><td>runs that ended</td></tr>
 *   <tr><td>{@code hapax.refused}</td><td>counter</td><td>{@code job}, {@code verdict}</td><td>runs that were refused</td></tr>
 *   <tr><td>{@code hapax.unguarded}</td><td>counter</td><td>{@code job}</td><td>runs let through without a lease</td></tr>
 *   <tr><td>{@code hapax.would.refuse}</td><td>counter</td><td>{@code job}, {@code verdict}</td><td>runs that took place only because
 *     the guard observes</td></tr>
 *   <tr><td>{@code hapax.ran.twice}</td><td>counter</td><td>{@code job}, {@code verdict}</td><td>of these, runs that have done the work of
 *     another one again, or were running at the same time</td></tr>
 *   <tr><td>{@code hapax.lost}</td><td>counter</td><td>{@code job}, {@code reason}</td><td>runs that lost their lease</td></tr>
 *   <tr><td>{@code hapax.forced}</td><td>counter</td><td>{@code job}</td><td>leases taken away by force</td></tr>
 *   <tr><td>{@code hapax.resolved}</td><td>counter</td><td>{@code job}, {@code state}</td><td>abandoned occurrences that
 *     somebody decided about</td></tr>
 *   <tr><td>{@code hapax.wait}</td><td>timer</td><td>{@code job}</td><td>time until a run was admitted</td></tr>
 *   <tr><td>{@code hapax.hold}</td><td>timer</td><td>{@code job}</td><td>time for which a run held its lease</td></tr>
 *   <tr><td>{@code hapax.renewal.margin}</td><td>timer</td><td>{@code job}</td><td>validity left when a late renewal was
 *     confirmed</td></tr>
 *   <tr><td>{@code hapax.last.success.age}</td><td>gauge</td><td>{@code job}</td><td>time since a run last completed in this
 *     process; from the first one on</td></tr>
 *   <tr><td>{@code hapax.active}</td><td>gauge</td><td></td><td>running in this process</td></tr>
 *   <tr><td>{@code hapax.waiting}</td><td>gauge</td><td></td><td>runs of this process that wait for their keys</td></tr>
 *   <tr><td>{@code hapax.abandoned}</td><td>gauge</td><td></td><td>occurrences in the ledger that wait for a person, of
 *     the whole fleet</td></tr>
 * </table>
 *
 * <p>The timers have a few fixed buckets, from which quantiles of all workers can be computed. The gauges are those of the
 * guards given to {@link #watch}. Reading them never waits: the ledger is asked in the background, at most every 30 s and only
 * when somebody reads {@code hapax.abandoned}, which is not a number while the answer is not known.
 *
 * <p>A key that carries an id makes a poor job name: name the job ({@code RunRequest.job}), or leave such names out with a
 * predicate. The first {@value #MOST_JOBS} names become values of the tag {@code job}; what comes later is counted as
 * {@code other}. Thread-safe.
 */
public final class GuardMetrics implements GuardListener {

    /** How many names of jobs become tag values unless set otherwise. */
    public static final int MOST_JOBS = 100;

    private static final Duration[] WAITS = millis(10, 50, 100, 500, 1_000, 5_000, 30_000, 120_000);
    private static final Duration[] HOLDS = millis(100, 1_000, 10_000, 60_000, 300_000, 900_000, 3_600_000);
    private static final Duration[] MARGINS = millis(250, 500, 1_000, 2_500, 5_000, 10_000);

    private final JobNames names;
    private final MeterProvider<Counter> runs;
    private final MeterProvider<Counter> refused;
    private final MeterProvider<Counter> unguarded;
    private final MeterProvider<Counter> wouldRefuse;
    private final MeterProvider<Counter> ranTwice;
    private final MeterProvider<Counter> lost;
    private final MeterProvider<Counter> forced;
    private final MeterProvider<Counter> resolved;
    private final MeterProvider<Timer> wait;
    private final MeterProvider<Timer> hold;
    private final MeterProvider<Timer> margin;
    private final MeterRegistry registry;
    private final GuardGauges gauges;
    /** Jobs whose gauge this listener has registered. */
    private final Set<String> shown = ConcurrentHashMap.newKeySet();

    /**
     * Creates the listener; the first {@value #MOST_JOBS} names of jobs become tag values.
     *
     * @param registry where the meters go
     */
    public GuardMetrics(MeterRegistry registry) {
        this(registry, job -> true);
    }

    /**
     * Creates the listener; the first {@value #MOST_JOBS} names of jobs that are to be named become tag values.
     *
     * @param registry where the meters go
     * @param named which job names become tag values; all others are counted as {@code other}
     */
    public GuardMetrics(MeterRegistry registry, Predicate<String> named) {
        this(registry, named, MOST_JOBS);
    }

    /**
     * Creates the listener.
     *
     * @param registry where the meters go
     * @param named which job names become tag values; all others are counted as {@code other}
     * @param mostJobs how many of them do; one job makes some forty series in Prometheus
     * @throws IllegalArgumentException if that is less than one
     */
    public GuardMetrics(MeterRegistry registry, Predicate<String> named, int mostJobs) {
        this.names = new JobNames(named, mostJobs);
        this.registry = registry;
        this.runs = counter(registry, "hapax.runs", "Runs that ended");
        this.refused = counter(registry, "hapax.refused", "Runs that were refused");
        this.unguarded = counter(registry, "hapax.unguarded", "Runs let through without a lease");
        this.wouldRefuse =
                counter(registry, "hapax.would.refuse", "Runs that took place only because the guard observes");
        this.ranTwice = counter(
                registry, "hapax.ran.twice", "Observed runs that repeated another one, or were running beside it");
        this.lost = counter(registry, "hapax.lost", "Runs that lost their lease");
        this.forced = counter(registry, "hapax.forced", "Leases taken away by force");
        this.resolved = counter(registry, "hapax.resolved", "Abandoned occurrences that somebody decided about");
        this.wait = timer(registry, "hapax.wait", "Time until a run was admitted", WAITS);
        this.hold = timer(registry, "hapax.hold", "Time for which a run held its lease", HOLDS);
        this.margin =
                timer(registry, "hapax.renewal.margin", "Validity left when a late renewal was confirmed", MARGINS);
        this.gauges = GuardGauges.of(registry);
    }

    /**
     * Shows what a guard is at as {@code hapax.active} and {@code hapax.waiting}, and what its ledger knows as
     * {@code hapax.abandoned}; of several guards, the sum of the former and the largest of the latter. Does nothing for a
     * guard that is watched already. All listeners of one registry show their guards together.
     *
     * @param guard one that has this listener
     */
    public void watch(JobGuard guard) {
        gauges.watch(guard);
    }

    @Override
    public void on(GuardEvent event) {
        Tags job = Tags.of("job", names.tagOf(event.job()));
        if (event instanceof GuardEvent.Acquired acquired) {
            wait.withTags(job).record(acquired.waited());
        } else if (event instanceof GuardEvent.Refused e) {
            refused.withTags(job.and("verdict", text(e.refusal().verdict()))).increment();
        } else if (event instanceof GuardEvent.Unguarded) {
            unguarded.withTags(job).increment();
        } else if (event instanceof GuardEvent.WouldRefuse || event instanceof GuardEvent.RanTwice) {
            observed(event, job);
        } else if (event instanceof GuardEvent.RenewedLate late) {
            margin.withTags(job).record(late.margin());
        } else if (event instanceof GuardEvent.Lost e) {
            lost.withTags(job.and("reason", text(e.reason()))).increment();
        } else if (event instanceof GuardEvent.Released released) {
            runs.withTags(job.and("outcome", text(released.outcome()))).increment();
            hold.withTags(job).record(released.held());
            if (released.outcome() == RunOutcome.COMPLETED) {
                succeeded(names.tagOf(event.job()));
            }
        } else if (event instanceof GuardEvent.Forced) {
            forced.withTags(job).increment();
        } else if (event instanceof GuardEvent.Resolved e) {
            resolved.withTags(job.and("state", text(e.state()))).increment();
        }
    }

    /** An age of several jobs together would say nothing. */
    private void succeeded(String job) {
        if (!job.equals(JobNames.OTHER)) {
            gauges.succeeded(job, shown.add(job) ? registry : null);
        }
    }

    private void observed(GuardEvent event, Tags job) {
        if (event instanceof GuardEvent.WouldRefuse e) {
            wouldRefuse
                    .withTags(job.and("verdict", text(e.refusal().verdict())))
                    .increment();
        } else if (event instanceof GuardEvent.RanTwice e) {
            ranTwice.withTags(job.and("verdict", text(e.refusal().verdict()))).increment();
        }
    }

    private static MeterProvider<Counter> counter(MeterRegistry registry, String name, String description) {
        return Counter.builder(name).description(description).withRegistry(registry);
    }

    private static MeterProvider<Timer> timer(
            MeterRegistry registry, String name, String description, Duration[] buckets) {
        return Timer.builder(name)
                .description(description)
                .serviceLevelObjectives(buckets)
                .withRegistry(registry);
    }

    private static Duration[] millis(long... bounds) {
        return LongStream.of(bounds).mapToObj(Duration::ofMillis).toArray(Duration[]::new);
    }

    private static String text(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}

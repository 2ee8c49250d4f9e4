package io.hapax.micrometer;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.Locale;
import java.util.function.Predicate;

/**
 * Counts and times what the guard tells.
 *
 * <table>
 *   <caption>Meters; every one has the tag {@code job}</caption>
 *   <tr><th>meter</th><th>kind</th><th>further tags</th><th>meaning</th></tr>
 *   <tr><td>{@code hapax.runs}</td><td>counter</td><td>{@code outcome}</td><td>runs that ended</td></tr>
 *   <tr><td>{@code hapax.refused}</td><td>counter</td><td>{@code verdict}</td><td>runs that were refused</td></tr>
 *   <tr><td>{@code hapax.unguarded}</td><td>counter</td><td></td><td>runs let through without a lease</td></tr>
 *   <tr><td>{@code hapax.lost}</td><td>counter</td><td>{@code reason}</td><td>runs that lost their lease</td></tr>
 *   <tr><td>{@code hapax.forced}</td><td>counter</td><td></td><td>leases taken away by force</td></tr>
 *   <tr><td>{@code hapax.wait}</td><td>timer</td><td></td><td>time until a run was admitted</td></tr>
 *   <tr><td>{@code hapax.hold}</td><td>timer</td><td></td><td>time for which a run held its lease</td></tr>
 *   <tr><td>{@code hapax.renewal.margin}</td><td>timer</td><td></td><td>validity left when a late renewal was confirmed</td></tr>
 * </table>
 *
 * <p>A key that carries an id makes a poor job name: name the job ({@code RunRequest.job}), or bound the tag with a
 * predicate. Thread-safe.
 */
public final class GuardMetrics implements GuardListener {

    private final MeterRegistry registry;
    private final Predicate<String> named;

    /**
     * Creates the listener; every job name becomes a tag value.
     *
     * @param registry where the meters go
     */
    public GuardMetrics(MeterRegistry registry) {
        this(registry, job -> true);
    }

    /**
     * Creates the listener.
     *
     * @param registry where the meters go
     * @param named which job names become tag values; all others are counted as {@code other}
     */
    public GuardMetrics(MeterRegistry registry, Predicate<String> named) {
        this.registry = registry;
        this.named = named;
    }

    @Override
    public void on(GuardEvent event) {
        Tags job = Tags.of("job", named.test(event.job()) ? event.job() : "other");
        if (event instanceof GuardEvent.Acquired acquired) {
            timer("hapax.wait", job).record(acquired.waited());
        } else if (event instanceof GuardEvent.Refused refused) {
            count("hapax.refused", job.and("verdict", text(refused.refusal().verdict())));
        } else if (event instanceof GuardEvent.Unguarded) {
            count("hapax.unguarded", job);
        } else if (event instanceof GuardEvent.RenewedLate late) {
            timer("hapax.renewal.margin", job).record(late.margin());
        } else if (event instanceof GuardEvent.Lost lost) {
            count("hapax.lost", job.and("reason", text(lost.reason())));
        } else if (event instanceof GuardEvent.Released released) {
            count("hapax.runs", job.and("outcome", text(released.outcome())));
            timer("hapax.hold", job).record(released.held());
        } else if (event instanceof GuardEvent.Forced) {
            count("hapax.forced", job);
        }
    }

    private void count(String name, Tags tags) {
        registry.counter(name, tags).increment();
    }

    private Timer timer(String name, Tags tags) {
        return registry.timer(name, tags);
    }

    private static String text(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}

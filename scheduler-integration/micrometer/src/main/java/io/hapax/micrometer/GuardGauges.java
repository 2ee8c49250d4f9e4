package io.hapax.micrometer;

import io.hapax.JobGuard;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The gauges of a registry. A registry keeps the first gauge of a name and drops all others, so that listeners which share it must
 * share what its gauges show. Holds neither the registry nor guards that nobody else holds. Thread-safe.
 */
final class GuardGauges {

    private static final Object LOCK = new Object();
    private static final Map<MeterRegistry, GuardGauges> BY_REGISTRY = new WeakHashMap<>();

    private final Clock clock;
    private final List<Watched> watched = new CopyOnWriteArrayList<>();
    private final Map<String, AtomicLong> successes = new ConcurrentHashMap<>();

    private final Object registering = new Object();

    private record Watched(WeakReference<JobGuard> guard, AbandonedOccurrences ledger) {}

    private GuardGauges(Clock clock) {
        this.clock = clock;
    }

    /** Finds those of a registry, and registers them if they are not, or not any more. */
    static GuardGauges of(MeterRegistry registry) {
        GuardGauges all;
        synchronized (LOCK) {
            all = BY_REGISTRY.computeIfAbsent(
                    registry, first -> new GuardGauges(first.config().clock()));
        }
        synchronized (all.registering) {
            all.register(registry);
        }
        return all;
    }

    /** A registry logs that it ignores a gauge which it has already. */
    private static boolean has(MeterRegistry registry, String name, String... tags) {
        return registry.find(name).tags(tags).meter() != null;
    }

    private void register(MeterRegistry registry) {
        gauge(registry, "hapax.active", "Running in this process", JobGuard::activeRuns);
        gauge(
                registry,
                "hapax.waiting",
                "Runs of this process that wait for their keys",
                guard -> guard.admin().waiting().size());
        if (!has(registry, "hapax.abandoned")) {
            Gauge.builder("hapax.abandoned", this, GuardGauges::mostAbandoned)
                    .description("Occurrences in the ledger that wait for a person")
                    .strongReference(true)
                    .register(registry);
        }
    }

    private void gauge(MeterRegistry registry, String name, String description, ToIntFunction<JobGuard> value) {
        if (!has(registry, name)) {
            Gauge.builder(name, this, all -> all.sum(value))
                    .description(description)
                    .strongReference(true)
                    .register(registry);
        }
    }

    private double sum(ToIntFunction<JobGuard> value) {
        return watched.stream()
                .map(each -> each.guard.get())
                .filter(Objects::nonNull)
                .mapToInt(value)
                .sum();
    }

    /** Not the sum, since guards of one process usually share their ledger; one that does not know hides no other. */
    private double mostAbandoned() {
        return watched.stream()
                .mapToDouble(each -> each.ledger.count())
                .filter(count -> !Double.isNaN(count))
                .max()
                .orElse(Double.NaN);
    }

    /** Does nothing for a guard that is watched already. */
    void watch(JobGuard guard) {
        synchronized (watched) {
            watched.removeIf(each -> each.guard.get() == null);
            if (watched.stream().noneMatch(each -> each.guard.get() == guard)) {
                WeakReference<JobGuard> weak = new WeakReference<>(guard);
                watched.add(new Watched(weak, new AbandonedOccurrences(weak, clock)));
            }
        }
    }

    /**
     * Notes that a run has completed.
     *
     * @param registry where its age is shown from now on; null if it is already
     */
    void succeeded(String job, @Nullable MeterRegistry registry) {
        AtomicLong last = successes.computeIfAbsent(job, first -> new AtomicLong());
        last.set(clock.monotonicTime());
        if (registry == null) {
            return;
        }
        synchronized (registering) {
            if (has(registry, "hapax.last.success.age", "job", job)) {
                return;
            }
            TimeGauge.builder("hapax.last.success.age", () -> clock.monotonicTime() - last.get(), TimeUnit.NANOSECONDS)
                    .description("Time since a run last completed in this process")
                    .tags("job", job)
                    .register(registry);
        }
    }
}

package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One random history of bursts of events and callbacks for a listener and callbacks that block, beside a model: so many wait and no
 * more, and what is heard of a run is heard in order.
 */
final class NotifierHistory {

    /** What keeps events for a listener that blocks. */
    enum Kind {
        /** What is shipped. */
        SHIPPED,
        /** Each listener has a queue of its own, which has no bound. */
        WITHOUT_A_BOUND,
        /** What a run tells at its end does not wait for what it has told before. */
        OUT_OF_ORDER
    }

    private static final int STEPS = 10;
    private static final int RUNS = 4;
    private static final int LARGEST_BURST = 6_000;
    private static final int MOST_CALLBACKS = Notifier.MOST_WAITING + 64;

    private final Random random;
    private final HistoryClock clock = new HistoryClock();
    private final Queue pool = new Queue();
    private final HistoryThreads threads = new HistoryThreads(pool);
    private final List<GuardEvent> heard = new ArrayList<>();
    private final Kind kind;
    private final Notifier notifier;
    private final List<Lease> runs = new ArrayList<>();
    // The model.
    private final Deque<GuardEvent> waiting = new ArrayDeque<>();
    private final List<GuardEvent> expected = new ArrayList<>();

    NotifierHistory(long seed, Kind kind) {
        this.kind = kind;
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        GuardListener listener = heard::add;
        this.notifier = new Notifier(List.of(listener), threads, clock);
        for (int n = 0; n < RUNS; n++) {
            runs.add(lease(n));
        }
    }

    private static Lease lease(int number) {
        JobIdentity identity = new JobIdentity(new LockKey("k" + number), null);
        OwnerId owner = new OwnerId("owner-" + number);
        return new Lease(
                identity, owner, new FencingToken(number + 1), "worker", Duration.ofSeconds(30), Instant.EPOCH);
    }

    /** Returns what is wrong; null if nothing is. */
    @Nullable
    String play() {
        for (int n = 0; n < STEPS; n++) {
            switch (random.nextInt(4)) {
                case 0, 1 -> burst(random.nextInt(LARGEST_BURST));
                case 2 -> callbacks(random.nextInt(LARGEST_BURST));
                default -> goOn();
            }
            if (pool.size() > MOST_CALLBACKS) {
                return pool.size() + " tasks wait";
            }
        }
        goOn();
        return heard.equals(expected)
                ? null
                : heard.size() + " events were heard, or others, and not " + expected.size();
    }

    private void burst(int events) {
        for (int n = 0; n < events; n++) {
            Lease run = runs.get(random.nextInt(RUNS));
            if (random.nextInt(10) == 0) {
                end(run);
            } else {
                later(new GuardEvent.Lost("job", run, LossReason.GONE, null, Duration.ofNanos(n)));
            }
        }
    }

    private void later(GuardEvent event) {
        if (waiting.size() < Notifier.MOST_WAITING) {
            waiting.add(event);
        }
        if (kind == Kind.WITHOUT_A_BOUND) {
            pool.execute(() -> heard.add(event));
        } else {
            notifier.tellLater(event);
        }
    }

    private void end(Lease run) {
        GuardEvent event = new GuardEvent.Released("job", run, RunOutcome.LOST, Duration.ZERO);
        if (waiting.stream().noneMatch(other -> other.identity().equals(run.identity()))) {
            expected.add(event);
        } else if (waiting.size() < Notifier.MOST_WAITING) {
            waiting.add(event);
        }
        if (kind == Kind.SHIPPED) {
            notifier.tell(event);
        } else {
            heard.add(event);
        }
    }

    private void callbacks(int many) {
        for (int n = 0; n < many; n++) {
            notifier.call(() -> {});
        }
    }

    /** Nobody blocks any more, for a moment. */
    private void goOn() {
        expected.addAll(waiting);
        waiting.clear();
        threads.runKept();
        pool.runAll();
    }

    /** Of tasks that wait for a thread. */
    private static final class Queue implements Executor {
        private final Deque<Runnable> tasks = new ArrayDeque<>();

        int size() {
            return tasks.size();
        }

        void runAll() {
            while (!tasks.isEmpty()) {
                tasks.remove().run();
            }
        }

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }
    }
}

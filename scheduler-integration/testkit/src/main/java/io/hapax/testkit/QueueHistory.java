package io.hapax.testkit;

import io.hapax.testkit.UniqueQueue.Storing;
import io.hapax.testkit.UniqueQueue.Work;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A random history of jobs that are unique while they are queued: callers store them, fail, crash, commit and roll back in the
 * middle of each other; workers run them, operators delete them and queue them again; other work is done under limits that change. A
 * reference model judges it: no work is lost, none is queued twice, no place outlives its job by more than some
 * seconds, and never more runs are active than the smallest limit among them. The same seed gives the same history.
 */
public final class QueueHistory {

    /** Processes that put jobs into the queue and run them; the first one does not crash. */
    public static final int PROCESSES = 3;

    private static final int STEPS = 20;
    private static final int MOST_ACTORS = 4;
    private static final int LARGEST_LIMIT = 3;
    private static final int ROUNDS = 60;
    private static final List<String> WORK = List.of("a", "b");
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration PLACE_WITHOUT_JOB = Duration.ofSeconds(11);
    /** Soon the clock wraps around. */
    private static final NanoTime START = new NanoTime(Long.MAX_VALUE - TimeUnit.MINUTES.toNanos(1));

    private final Random random;
    private final Turns turns = new Turns();
    private final Clock clock = new Clock();
    private final QueueHistoryJudge judge = new QueueHistoryJudge();
    private final UniqueQueue queue;
    private final List<String> happened = new ArrayList<>();
    private int names;

    private static final class Clock implements Ticker {
        private NanoTime now = START;

        @Override
        public NanoTime now() {
            return now;
        }

        @Override
        public void parkUntil(NanoTime deadline) {
            throw new AssertionError("nobody parks in a history");
        }

        @Override
        public void wake(Thread thread) {}
    }

    /** What a queue needs of its history. */
    public final class Seam {

        private Seam() {}

        /**
         * Returns the clock, which only the history moves.
         *
         * @return the clock
         */
        public Ticker clock() {
            return clock;
        }

        /** Lets others act: called where an operation is half done. */
        public void pause() {
            Turns.pause();
        }

        /**
         * Lets others act, and time pass.
         *
         * @param time how much at least
         */
        public void letPass(Duration time) {
            NanoTime before = clock.now;
            Turns.pause();
            if (clock.now.since(before).compareTo(time) < 0) {
                pass(time);
            }
        }

        /**
         * A job is stored, to be run.
         *
         * @param id its id
         * @param work what it is for
         */
        public void stored(String id, String work) {
            note("  stored: " + id + " for " + work);
            judge.stored(id, work);
        }

        /**
         * A job is no longer queued or running.
         *
         * @param id its id
         * @param succeeded whether it has done its work
         */
        public void ended(String id, boolean succeeded) {
            note("  ended: " + id + (succeeded ? " with success" : ""));
            judge.ended(id, succeeded);
        }

        /**
         * A job may have no place, for a reason that is not the guard's fault, or because it said that it cannot tell.
         *
         * @param id its id
         */
        public void excused(String id) {
            note("  may have no place: " + id);
            judge.excused(id);
        }
    }

    /**
     * Prepares a history.
     *
     * @param seed chooses what happens
     * @param open opens an empty queue
     */
    public QueueHistory(long seed, Function<Seam, UniqueQueue> open) {
        this.random = new Random(seed);
        this.queue = open.apply(new Seam());
    }

    /**
     * Lets it happen.
     *
     * @return what was wrong, and what had happened before; null if nothing was
     */
    public @Nullable String happen() {
        try (queue) {
            try {
                for (int step = 0; step < STEPS && judge.wrong() == null; step++) {
                    step();
                }
                if (judge.wrong() == null) {
                    settle();
                }
            } finally {
                turns.endAll();
            }
            return judge.wrong() == null ? null : judge.wrong() + "\n" + String.join("\n", happened);
        }
    }

    private void step() {
        int what = random.nextInt(100);
        if (what < 34 && turns.actors().size() < MOST_ACTORS) {
            act("queues", this::enqueue);
        } else if (what < 58 && !turns.actors().isEmpty()) {
            turns.actors().get(random.nextInt(turns.actors().size())).go();
        } else if (what < 74 && turns.actors().size() < MOST_ACTORS) {
            act("runs", this::run);
        } else if (what < 79 && turns.actors().size() < MOST_ACTORS) {
            act("runs under a limit", this::runLimited);
        } else if (what < 84) {
            pass(Duration.ofMillis(random.nextInt(4_000)));
        } else {
            byHand(what);
        }
    }

    private void byHand(int what) {
        List<String> due = queue.due();
        List<String> known = judge.known();
        if (what < 90 && !due.isEmpty()) {
            String id = due.get(random.nextInt(due.size()));
            boolean forGood = random.nextBoolean();
            note("deletes " + id + (forGood ? " for good" : ""));
            queue.delete(id, forGood);
        } else if (what < 96 && !known.isEmpty()) {
            String id = known.get(random.nextInt(known.size()));
            note("queues again " + id);
            queue.enqueueAgain(0, id);
        } else if (!judge.succeeded().isEmpty()) {
            String id = judge.succeeded().get(random.nextInt(judge.succeeded().size()));
            note("requeues " + id);
            if (queue.requeue(id)) {
                judge.requeued(id);
            }
        }
    }

    private void act(String what, Runnable act) {
        turns.add(() -> {
                    note(what);
                    act.run();
                })
                .go();
    }

    private void note(String what) {
        happened.add(clock.now.since(START).toMillis() + " ms: " + what);
    }

    private void enqueue() {
        Storing storing = random.nextInt(3) == 0 ? Storing.WORKS : any(Storing.values());
        boolean crashes = storing == Storing.CRASHES_BEFORE || storing == Storing.CRASHES_AFTER;
        int process = crashes ? 1 + random.nextInt(PROCESSES - 1) : random.nextInt(PROCESSES);
        enqueue(process, WORK.get(random.nextInt(WORK.size())), storing);
    }

    private void enqueue(int process, String work, Storing storing) {
        String name = "call " + names++ + " of process " + process + " for " + work + ", which " + storing;
        QueueHistoryJudge.Call call = judge.begins(work);
        note(name + " starts");
        try {
            Optional<String> id = queue.enqueue(process, work, storing);
            note(name + (id.isPresent() ? " queued " + id.get() : " is refused"));
            judge.answered(call, id.isEmpty(), storing != Storing.ROLLS_BACK);
        } catch (RuntimeException told) {
            note(name + " fails: " + told);
        }
    }

    private <T> T any(T[] all) {
        return List.of(all).get(random.nextInt(all.length));
    }

    private void run() {
        List<String> due = queue.due();
        if (due.isEmpty()) {
            return;
        }
        String id = due.get(random.nextInt(due.size()));
        Work work = random.nextInt(3) > 0 ? Work.SUCCEEDS : any(Work.values());
        int process = work == Work.CRASHES ? 1 + random.nextInt(PROCESSES - 1) : 0;
        note(id + " starts, and " + work);
        queue.run(process, id, work);
        note(id + " is left by its worker");
    }

    /** As while a deploy changes the limit, workers of both versions are there. */
    private void runLimited() {
        int limit = 1 + random.nextInt(LARGEST_LIMIT);
        queue.runLimited(0, limit, () -> {
            note("  active under a limit of " + limit);
            judge.enters(limit);
            Turns.pause();
            judge.leaves(limit);
        });
    }

    private void pass(Duration time) {
        Duration left = time;
        while (!left.isZero()) {
            Duration step = left.compareTo(SECOND) < 0 ? left : SECOND;
            clock.now = clock.now.plus(step);
            left = left.minus(step);
            queue.renew();
        }
    }

    /** Every call that was started ends, every job is run; then each work can be queued at once. */
    private void settle() {
        while (!turns.actors().isEmpty()) {
            List.copyOf(turns.actors()).forEach(Turns.Actor::go);
        }
        for (int round = 0; round < ROUNDS && !queue.due().isEmpty() && judge.wrong() == null; round++) {
            for (String id : queue.due()) {
                note(id + " starts at the end");
                turns.add(() -> queue.run(0, id, Work.SUCCEEDS)).go();
            }
            while (!turns.actors().isEmpty()) {
                List.copyOf(turns.actors()).forEach(Turns.Actor::go);
            }
            pass(SECOND.multipliedBy(5));
        }
        judge.nothingIsLeft(queue.due());
        pass(PLACE_WITHOUT_JOB);
        for (String work : WORK) {
            NanoTime before = clock.now;
            turns.add(() -> enqueue(0, work, Storing.WORKS)).go();
            while (!turns.actors().isEmpty()) {
                List.copyOf(turns.actors()).forEach(Turns.Actor::go);
            }
            judge.entersAtOnce(work, clock.now.since(before));
        }
    }
}

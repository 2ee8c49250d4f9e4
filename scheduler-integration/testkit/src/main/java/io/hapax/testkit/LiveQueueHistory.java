package io.hapax.testkit;

import io.hapax.testkit.UniqueQueue.Storing;
import io.hapax.testkit.UniqueQueue.Work;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A random history of jobs that are unique while they are queued, on a real scheduler: callers store them, fail, commit and roll back,
 * operators delete them and queue them again, and the scheduler's own threads run and retry them meanwhile. The model of
 * {@link QueueHistory} judges it. The seed decides what is done; the threads decide in which order. Thread-safe.
 */
public final class LiveQueueHistory {

    /** How many callers there are. */
    public static final int CALLERS = 2;

    private static final int STEPS = 10;
    private static final long LONGEST_SECONDS = 60;
    /** One in 20 ms: a place that outlives its job by this time is kept. */
    private static final int MOST_TRIES = 400;

    private static final List<Storing> STORING =
            List.of(Storing.WORKS, Storing.FAILS, Storing.FAILS_LATE, Storing.COMMITS, Storing.ROLLS_BACK);

    private final long seed;
    private final List<String> work;
    private final LiveQueue queue;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();
    /** Guarded by lock, as all below. */
    private final QueueHistoryJudge judge = new QueueHistoryJudge();

    private final List<String> happened = new ArrayList<>();
    private final Random outcomes;
    private boolean calm;
    private int ends;

    /**
     * Prepares a history.
     *
     * @param seed chooses what happens
     * @param name the prefix of the names of its work, which no other history shares
     * @param queue an empty queue, or one whose other jobs are those of other histories
     */
    public LiveQueueHistory(long seed, String name, LiveQueue queue) {
        this.seed = seed;
        this.work = List.of(name + "a", name + "b");
        this.queue = queue;
        this.outcomes = new Random(~seed);
    }

    /**
     * Does something that others must not see half done, such as to store a job and to tell of it.
     *
     * @param change what is done
     */
    public void atomically(Runnable change) {
        lock.lock();
        try {
            change.run();
        } finally {
            lock.unlock();
        }
    }

    private void note(String what) {
        atomically(() -> happened.add(Thread.currentThread().getName() + ": " + what));
    }

    /**
     * A job is stored, to be run.
     *
     * @param id its id
     * @param of what it is for
     */
    public void stored(String id, String of) {
        atomically(() -> {
            note("stored: " + id + " for " + of);
            judge.stored(id, of);
        });
    }

    /**
     * A job is no longer queued or running.
     *
     * @param id its id
     * @param succeeded whether it has done its work
     */
    public void ended(String id, boolean succeeded) {
        atomically(() -> {
            note("ended: " + id + (succeeded ? " with success" : ""));
            judge.ended(id, succeeded);
            ends++;
            ended.signalAll();
        });
    }

    /**
     * A job is about to leave the queue, where nobody can tell when it does: others may be refused because of it, or not.
     *
     * @param id its id
     */
    public void ending(String id) {
        atomically(() -> {
            note("ending: " + id);
            judge.ending(id);
            ends++;
            ended.signalAll();
        });
    }

    /**
     * A person has put a job into the queue again.
     *
     * @param id its id
     */
    public void requeued(String id) {
        atomically(() -> {
            note("requeued: " + id);
            judge.requeued(id);
        });
    }

    /**
     * A job may have no place, because the guard said that it cannot tell.
     *
     * @param id its id
     */
    public void excused(String id) {
        atomically(() -> {
            note("may have no place: " + id);
            judge.excused(id);
        });
    }

    /**
     * Decides what happens to the next attempt at a job.
     *
     * @return its end
     */
    public Work next() {
        lock.lock();
        try {
            int what = calm ? 0 : outcomes.nextInt(6);
            return what < 4 ? Work.SUCCEEDS : what == 4 ? Work.FAILS : Work.LOSES_LEASE;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Does what one of the callers does, on its thread.
     *
     * @param caller which one
     */
    public void call(int caller) {
        Random random = new Random(seed * CALLERS + caller);
        for (int step = 0; step < STEPS; step++) {
            int what = random.nextInt(100);
            if (what < 45) {
                Storing storing = random.nextBoolean() ? Storing.WORKS : any(random, STORING);
                boolean unused = isQueued(any(random, work), storing);
            } else if (what < 55) {
                one(random, judge::known).ifPresent(queue::enqueueAgain);
            } else if (what < 68) {
                boolean forGood = random.nextBoolean();
                one(random, judge::present).ifPresent(id -> queue.delete(id, forGood));
            } else if (what < 78) {
                one(random, judge::succeeded).ifPresent(queue::requeue);
            } else {
                awaitAnEnd();
            }
        }
    }

    private static <T> T any(Random random, List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    private Optional<String> one(Random random, Supplier<List<String>> of) {
        lock.lock();
        try {
            List<String> all = of.get();
            return all.isEmpty() ? Optional.empty() : Optional.of(any(random, all));
        } finally {
            lock.unlock();
        }
    }

    private boolean isQueued(String of, Storing storing) {
        QueueHistoryJudge.Call call;
        lock.lock();
        try {
            call = judge.begins(of);
            note("queues " + of + ", which " + storing);
        } finally {
            lock.unlock();
        }
        try {
            Optional<String> id = queue.enqueue(of, storing);
            atomically(() -> {
                note(of + (id.isPresent() ? " is queued as " + id.get() : " is refused"));
                judge.answered(call, id.isEmpty(), storing != Storing.ROLLS_BACK);
            });
            return id.isPresent();
        } catch (RuntimeException told) {
            note(of + " fails: " + told);
            return false;
        }
    }

    /** Gives the scheduler a chance; nothing depends on it. */
    private void awaitAnEnd() {
        long left = TimeUnit.SECONDS.toNanos(2);
        lock.lock();
        try {
            int before = ends;
            while (ends == before && !judge.present().isEmpty() && left > 0) {
                left = ended.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until every job has ended, when no caller goes on; then each work can be queued.
     *
     * @return what was wrong, and what had happened before; null if nothing was
     */
    public @Nullable String settle() {
        atomically(() -> calm = true);
        awaitAllEnds();
        for (String each : work) {
            queueAtTheEnd(each);
        }
        awaitAllEnds();
        lock.lock();
        try {
            judge.nothingIsLeft(List.of());
            return judge.wrong() == null ? null : judge.wrong() + "\n" + String.join("\n", happened);
        } finally {
            lock.unlock();
        }
    }

    private void queueAtTheEnd(String of) {
        for (int tries = 0; !isQueued(of, Storing.WORKS); tries++) {
            lock.lock();
            try {
                // A job that has just ended may still have been queued when this was asked, and stay so for a moment
                // longer than
                // the report of its end.
                if (tries == MOST_TRIES) {
                    judge.refusedAtTheEnd(of);
                    return;
                }
                long left = TimeUnit.MILLISECONDS.toNanos(20);
                while (left > 0) {
                    left = ended.awaitNanos(left);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } finally {
                lock.unlock();
            }
        }
    }

    private void awaitAllEnds() {
        long left = TimeUnit.SECONDS.toNanos(LONGEST_SECONDS);
        lock.lock();
        try {
            while (!judge.present().isEmpty() && left > 0) {
                left = ended.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }
}

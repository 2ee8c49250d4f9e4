package io.hapax.testkit;

import io.hapax.thread.GuardThreads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Threads of which one works at a time, each until it says so: their steps are interleaved as the caller likes, and alike each time. */
final class Turns {

    private static final int MOST = 64;
    private static final int MOST_ROUNDS = 1000;
    private static final int LONGEST_SECONDS = 60;
    private static final ExecutorService THREADS = new GuardThreads((what, failure) -> {
                throw new AssertionError(what, failure);
            })
            .pool("hapax-turns", MOST);

    /** One of them. */
    final class Actor {
        private final Semaphore turn = new Semaphore(0);
        private final Semaphore over = new Semaphore(0);
        private boolean ended;
        private @Nullable Throwable failure;

        private void run(Runnable work) {
            turn.acquireUninterruptibly();
            ACTING.set(this);
            try {
                work.run();
            } catch (Throwable e) {
                failure = e;
            } finally {
                ACTING.remove();
                ended = true;
                over.release();
            }
        }

        /** Lets it work until it pauses or ends. */
        void go() {
            turn.release();
            awaitOver();
            if (ended) {
                actors.remove(this);
            }
            if (failure != null) {
                throw new AssertionError("an actor failed", failure);
            }
        }

        private void awaitOver() {
            try {
                if (!over.tryAcquire(LONGEST_SECONDS, TimeUnit.SECONDS)) {
                    throw new IllegalStateException("an actor has neither paused nor ended for " + LONGEST_SECONDS
                            + " s; it waits for one whose turn it is not");
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while an actor is running", stopped);
            }
        }
    }

    private static final ThreadLocal<@Nullable Actor> ACTING = new ThreadLocal<>();

    private final List<Actor> actors = new ArrayList<>();

    /** Adds an actor, which does nothing yet. */
    Actor add(Runnable work) {
        Actor actor = new Actor();
        actors.add(actor);
        THREADS.execute(() -> actor.run(work));
        return actor;
    }

    List<Actor> actors() {
        return actors;
    }

    /** Lets all of them end, whatever they meet. */
    void endAll() {
        for (int round = 0; round < MOST_ROUNDS && !actors.isEmpty(); round++) {
            for (Actor actor : List.copyOf(actors)) {
                try {
                    actor.go();
                } catch (AssertionError unheard) {
                    // What was wrong has been reported.
                }
            }
        }
    }

    /** Ends the turn of the calling actor; does nothing on other threads. */
    static void pause() {
        Actor actor = ACTING.get();
        if (actor != null) {
            actor.over.release();
            actor.turn.acquireUninterruptibly();
        }
    }
}

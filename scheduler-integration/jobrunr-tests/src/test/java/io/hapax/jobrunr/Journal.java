package io.hapax.jobrunr;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** What the code of a test's jobs did, found by name since JobRunr creates the job's object itself. */
final class Journal {

    private static final Map<String, Journal> JOURNALS = new ConcurrentHashMap<>();

    private final AtomicInteger starts = new AtomicInteger();
    private final AtomicInteger ends = new AtomicInteger();
    private final AtomicInteger atWork = new AtomicInteger();
    private final AtomicInteger mostAtWork = new AtomicInteger();
    private final List<String> notes = new CopyOnWriteArrayList<>();
    private volatile CountDownLatch gate = new CountDownLatch(0);

    static Journal of(String name) {
        return JOURNALS.computeIfAbsent(name, unused -> new Journal());
    }

    /** Lets runs that start from now on wait for {@link #release()}. */
    Journal hold() {
        gate = new CountDownLatch(1);
        return this;
    }

    void release() {
        gate.countDown();
    }

    /** Releases what a test holds, whose journals' names begin alike. */
    static void releaseAll(String beginning) {
        JOURNALS.forEach((name, journal) -> {
            if (name.startsWith(beginning)) {
                journal.release();
            }
        });
    }

    void start() {
        starts.incrementAndGet();
        mostAtWork.accumulateAndGet(atWork.incrementAndGet(), Math::max);
    }

    void end() {
        atWork.decrementAndGet();
        ends.incrementAndGet();
    }

    CountDownLatch gate() {
        return gate;
    }

    void note(String text) {
        notes.add(text);
    }

    List<String> notes() {
        return notes;
    }

    int starts() {
        return starts.get();
    }

    int ends() {
        return ends.get();
    }

    int atWork() {
        return atWork.get();
    }

    int mostAtWork() {
        return mostAtWork.get();
    }
}

package io.hapax.jobrunr;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.ledger.AfterCrash;
import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;
import org.jobrunr.jobs.annotations.Job;
import org.slf4j.MDC;

/** The jobs of the tests. */
public class Work {

    /** Listens to interrupts. */
    public void run(String journal) throws InterruptedException {
        Journal of = Journal.of(journal);
        of.start();
        try {
            of.gate().await();
        } finally {
            of.end();
        }
    }

    @Guarded(key = "key/%0", onConflict = OnConflict.SKIP)
    public void skipping(String journal) throws InterruptedException {
        run(journal);
    }

    @Job(
            name = "named %0",
            retries = 0,
            labels = {"red", "for-%0"})
    @Guarded(key = "key/%0", onConflict = OnConflict.RESCHEDULE)
    public void rescheduling(String journal) throws InterruptedException {
        Journal.of(journal).note("tenant=" + MDC.get("tenant"));
        run(journal);
    }

    @Guarded(key = "key/%0", onConflict = OnConflict.WAIT, waitTimeout = "2m")
    public void waiting(String journal) throws InterruptedException {
        run(journal);
    }

    @Guarded(key = "key/%0", onConflict = OnConflict.WAIT, waitTimeout = "300ms")
    public void waitingBriefly(String journal) throws InterruptedException {
        run(journal);
    }

    @Guarded(key = "key/%0", onConflict = OnConflict.FAIL)
    public void failing(String journal) throws InterruptedException {
        run(journal);
    }

    /** What else it is, the defaults of the guard say. */
    @Guarded(key = "key/%0")
    public void keyed(String journal) throws InterruptedException {
        run(journal);
    }

    /** Fails after the gate was opened. */
    @Job(retries = 0)
    @Guarded(key = "key/%0")
    public void keyedFailing(String journal) throws InterruptedException {
        run(journal);
        throw new IllegalStateException("on purpose");
    }

    /** Fails at once, and is retried. */
    @Job(retries = 2)
    @Guarded(key = "key/%0")
    public void keyedRetried(String journal) throws InterruptedException {
        Journal of = Journal.of(journal);
        if (of.starts() == 0) {
            of.start();
            of.end();
            throw new IllegalStateException("on purpose");
        }
        run(journal);
    }

    /** Takes no notice of interrupts, and is retried. */
    @Job(retries = 2)
    @Guarded(key = "key/%0")
    public void keyedDeaf(String journal) {
        swallowing(journal);
    }

    @Guarded(key = "one key for all")
    public void collapsing(String journal) throws InterruptedException {
        run(journal);
    }

    @Guarded(once = "one occurrence for all")
    public void collapsingOnce(String journal) throws InterruptedException {
        run(journal);
    }

    @Guarded(once = "order/%0")
    public void onlyOnce(String journal) throws InterruptedException {
        run(journal);
    }

    /** Two at once, whatever the order. */
    @Guarded(key = "partner-api", ignoreArguments = true, concurrency = 2)
    public void limited(String journal, int order) throws InterruptedException {
        run(journal);
    }

    /** The same key, as a worker knows it that is behind with a deploy. */
    @Guarded(key = "partner-api", ignoreArguments = true, concurrency = 1)
    public void alone(String journal, int order) throws InterruptedException {
        run(journal);
    }

    @Guarded(key = "key/%0", throttle = "2/1h")
    public void throttled(String journal, int order) throws InterruptedException {
        run(journal);
    }

    @Guarded(key = "key/%0", throttle = "1/4s")
    public void cooling(String journal, int order) throws InterruptedException {
        run(journal);
    }

    @Guarded(key = "key/%0", onConflict = OnConflict.SKIP)
    public void overlapSkip(String journal, int order) throws InterruptedException {
        run(journal);
    }

    @Guarded(key = "key/%0", onConflict = OnConflict.BUFFER_ONE)
    public void overlapBufferOne(String journal, int order) throws InterruptedException {
        run(journal);
    }

    @Guarded(key = "key/%0", onConflict = OnConflict.CANCEL_OTHER, ttl = "8s")
    public void overlapCancelOther(String journal, int order) throws InterruptedException {
        Journal.of(journal).note("began " + order);
        if (order == 1) {
            run(journal);
        }
    }

    /** Gives way, and looks as if it had succeeded. */
    @Guarded(key = "key/%0", onConflict = OnConflict.CANCEL_OTHER, ttl = "8s")
    public void overlapCancelOtherQuietly(String journal, int order) {
        Journal.of(journal).note("began " + order);
        if (order == 1) {
            swallowing(journal);
        }
    }

    @Guarded(onConflict = OnConflict.ALLOW)
    public void overlapAllow(String journal, int order) throws InterruptedException {
        run(journal);
    }

    @Guarded(key = "key/%0", onConflict = OnConflict.ALLOW)
    public void overlapAllowWithKey(String journal) throws InterruptedException {
        run(journal);
    }

    @Guarded(onConflict = OnConflict.SKIP)
    public void overlapWithoutKey(String journal) throws InterruptedException {
        run(journal);
    }

    @Guarded(concurrency = 2)
    public void limitedWithoutKey(String journal) throws InterruptedException {
        run(journal);
    }

    @Guarded(mode = LockMode.UNTIL_EXECUTED)
    public void modeWithoutKey(String journal) throws InterruptedException {
        run(journal);
    }

    @Guarded(key = "key/%0", onConflict = OnConflict.BUFFER_ONE, concurrency = 2)
    public void contradicting(String journal) throws InterruptedException {
        run(journal);
    }

    @Guarded(enabled = false)
    public void unguarded(String journal) throws InterruptedException {
        Journal.of(journal).note("guarded=" + CurrentRun.find().isPresent());
        run(journal);
    }

    @Job(retries = 1)
    public void throwing(String journal) {
        Journal.of(journal).start();
        Journal.of(journal).end();
        throw new IllegalStateException("on purpose");
    }

    @Job(retries = 0)
    public void throwingError(String journal) {
        Journal.of(journal).start();
        Journal.of(journal).end();
        throw new AssertionError("on purpose");
    }

    /** Does not listen to interrupts and keeps them for later. */
    public void deaf(String journal) {
        Journal of = Journal.of(journal);
        of.start();
        awaitUninterruptibly(of.gate());
        of.end();
    }

    /** Swallows the interrupt and ends early, as if it had succeeded. */
    public void swallowing(String journal) {
        Journal of = Journal.of(journal);
        of.start();
        try {
            of.gate().await();
        } catch (InterruptedException swallowed) {
            of.note("swallowed");
        }
        of.end();
    }

    /** Notes whether it starts with an interrupt that was not meant for it. */
    public void noting(String journal) {
        Journal of = Journal.of(journal);
        of.start();
        of.note("interrupted=" + Thread.currentThread().isInterrupted());
        of.note("token=" + CurrentRun.get().fencingToken());
        of.end();
    }

    @Guarded(afterCrash = AfterCrash.ABANDON)
    public void atMostOnce(String journal) throws InterruptedException {
        run(journal);
    }

    /** Completes in a transaction, and does not look at whether it commits. */
    @Job(retries = 0)
    public void completing(String journal) throws SQLException {
        Journal.of(journal).start();
        CurrentRun.get().completeIn(null);
        Journal.of(journal).end();
    }

    private static void awaitUninterruptibly(CountDownLatch gate) {
        boolean interrupted = false;
        while (true) {
            try {
                gate.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

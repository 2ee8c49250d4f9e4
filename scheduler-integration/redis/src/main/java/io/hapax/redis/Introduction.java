package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import io.hapax.lease.LeaseStoreException;
import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RedissonClient;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What comes before the first lease: a look at the servers, the agreement on settings, and a word to every bucket. A
 * store does it when it is built, a lazy one at its first request. Thread-safe.
 */
final class Introduction {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    /** So many answers are waited for, one after the other, at most. */
    private static final int QUESTIONS = 20;

    private final Checkup checkup;
    private final Agreement agreement;
    private final Sweep sweep;
    private final Duration answerTimeout;
    private final Runnable beforeSettings;
    private final ReentrantLock lock = new ReentrantLock();
    private final Joined<Void> going;
    private volatile boolean over;

    /** Once the servers have been looked at, and before anything is written, it does something that may fail. */
    Introduction(Checkup checkup, Agreement agreement, Sweep sweep, Duration answerTimeout, Runnable beforeSettings) {
        this.beforeSettings = beforeSettings;
        this.checkup = checkup;
        this.agreement = agreement;
        this.sweep = sweep;
        this.answerTimeout = answerTimeout;
        this.going = new Joined<>(answerTimeout.multipliedBy(QUESTIONS));
    }

    /** Makes sure that another connection leads to the same server; blocks. */
    void secondConnection(Supplier<RedissonClient> opening) {
        checkup.secondConnection(opening);
    }

    String runId() {
        return checkup.runId();
    }

    CompletableFuture<List<Finding>> findings() {
        return checkup.findings();
    }

    /** Starts, joins the others, or returns at once; if it fails, the next caller tries again. */
    CompletableFuture<Void> made() {
        lock.lock();
        try {
            if (over) {
                return CompletableFuture.completedFuture(null);
            }
            CompletableFuture<Void> present = going.present();
            return present != null
                    ? present
                    : going.asked(GuardThreads.ask(checkup::findings)
                            .toCompletableFuture()
                            .thenAccept(Introduction::heed)
                            .thenRun(beforeSettings)
                            .thenCompose(fine -> agreement.reach())
                            .thenCompose(compared -> refusal() == null ? sweep.touchAll() : failed(refusal()))
                            .thenRun(() -> over = true));
        } finally {
            lock.unlock();
        }
    }

    /** Compares the settings of a guard: now, or with the rest if that is still to come. */
    CompletableFuture<Void> agree(String settings) {
        lock.lock();
        try {
            CompletableFuture<Void> present = going.present();
            return over || present == null
                    ? agreement.agree(settings, over)
                    : present.exceptionally(failure -> null).thenCompose(done -> agreement.agree(settings, over));
        } finally {
            lock.unlock();
        }
    }

    /** Fails if this store would show wrong data to operators. */
    CompletableFuture<Void> fitForPeople() {
        return checkup.fitForPeople();
    }

    /** Asks for a lease once the introduction is made, if there is still somebody who waits for it. */
    CompletableFuture<Acquisition> first(Supplier<CompletableFuture<Acquisition>> request) {
        LeaseStoreException refused = refusal();
        if (over && refused != null) {
            agreement.recheck();
            return CompletableFuture.failedFuture(refused);
        }
        if (over && agreement.isSettled()) {
            return request.get();
        }
        CompletableFuture<Acquisition> answer = new CompletableFuture<>();
        var ignored = RedisThreads.failingAfter(answerTimeout, answer);
        var unused = (over ? agreed() : made()).whenComplete((done, failure) -> {
            if (failure != null) {
                answer.completeExceptionally(RedisTrouble.unwrapped(failure));
            } else if (!answer.isDone()) {
                pass(GuardThreads.ask(request).toCompletableFuture(), answer);
            }
        });
        return answer.exceptionally(failure -> {
            Throwable cause = RedisTrouble.unwrapped(failure);
            throw cause instanceof LeaseStoreException known
                    ? known
                    : new LeaseStoreException("Redis was not ready within " + answerTimeout.toMillis() + " ms", cause);
        });
    }

    private CompletableFuture<Void> agreed() {
        return agreement.renew().thenCompose(compared -> refusal() == null ? done() : failed(refusal()));
    }

    private static CompletableFuture<Void> done() {
        return CompletableFuture.completedFuture(null);
    }

    /** Whether nothing stands between a request and its lease any more. */
    boolean isOver() {
        return over && agreement.isSettled() && refusal() == null;
    }

    private @Nullable LeaseStoreException refusal() {
        return agreement.refusal();
    }

    private static CompletableFuture<Void> failed(@Nullable Throwable why) {
        return CompletableFuture.failedFuture(why == null ? new IllegalStateException() : why);
    }

    private static void pass(CompletableFuture<Acquisition> from, CompletableFuture<Acquisition> to) {
        var unused = from.whenComplete((value, failure) -> {
            if (failure == null) {
                to.complete(value);
            } else {
                to.completeExceptionally(RedisTrouble.unwrapped(failure));
            }
        });
    }

    private static void heed(List<Finding> findings) {
        for (Finding finding : findings) {
            if (finding.severity() == Severity.ERROR) {
                throw new LeaseStoreException(finding);
            }
        }
        for (Finding finding : findings) {
            if (finding.severity() == Severity.WARNING) {
                LOG.warn("{}", finding);
            } else {
                LOG.info("{}", finding);
            }
        }
    }
}

package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Finding;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStoreException;
import io.hapax.redis.QuorumRound.Outcome;
import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Takes a lease on a majority: asks all servers, writes the highest token back to a majority, and gives up what it got
 * when either fails. Contenders that have split the servers among them try again: the one with the first owner id, of those that
 * have a server, at once, the others after a random while that is longer than a round took, so that one of them wins soon. Who has a
 * server waits only briefly for one that hangs: meanwhile nobody else could have a majority either.
 *
 * <p>Whatever a server grants after the attempt was given up is given back, too.
 */
final class QuorumAcquire {

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(5);
    private static final int LONGEST_SHIFT = 4;
    private static final int MOST_ATTEMPTS = 40;
    private static final Duration LONGEST_ROUND = Duration.ofMillis(100);
    /** Who comes first does not wait for others in so many attempts: by then somebody keeps a server for long. */
    private static final int FIRST_ATTEMPTS = 4;
    /** So long the rest of the servers is waited for where a majority has answered and nobody has a majority. */
    private static final Duration LAST_VOTES = Duration.ofMillis(100);

    private final QuorumLeaseStore quorum;
    private final LeaseRequest request;
    private final Ticker ticker;
    private final NanoTime lastStart;
    private final CompletableFuture<Acquisition> result = new CompletableFuture<>();
    private final Set<RedissonLeaseStore> doubtful = ConcurrentHashMap.newKeySet();
    private volatile @Nullable Throwable trouble;
    private int attempts;

    QuorumAcquire(QuorumLeaseStore quorum, LeaseRequest request, Ticker ticker, NanoTime lastStart) {
        this.quorum = quorum;
        this.request = request;
        this.ticker = ticker;
        this.lastStart = lastStart;
    }

    CompletableFuture<Acquisition> start() {
        List<RedissonLeaseStore> woken = quorum.servers().stream()
                .filter(server -> server.hasWoken(request))
                .toList();
        attempt();
        return woken.isEmpty()
                ? result
                : result.whenComplete((answer, failure) -> woken.forEach(server -> server.answered(request, answer)));
    }

    private void attempt() {
        NanoTime startedAt = ticker.now();
        List<CompletableFuture<QuorumRound.Heard>> answers = quorum.ask(this::acquireFrom);
        int servers = quorum.servers().size();
        CompletableFuture<Outcome.Split> divided = new CompletableFuture<>();
        CompletableFuture<Outcome> round = Votes.decided(answers, votes -> {
            QuorumRound soFar = new QuorumRound(votes, servers);
            Outcome outcome = soFar.outcome();
            Outcome.Split split = outcome == null ? soFar.split() : null;
            if (split != null) {
                divided.complete(split);
            }
            return outcome;
        });
        var unusedPatience =
                divided.thenCompose(split -> RedisThreads.endingAfter(LAST_VOTES, round, () -> round.complete(split)));
        var unused = round.whenComplete((outcome, failure) -> safely(() -> {
            if (outcome instanceof Outcome.Won won) {
                writeBack(won.highest(), startedAt, answers);
            } else if (outcome instanceof Outcome.Lost lost) {
                var ignored = giveBack(answers).thenRun(() -> result.complete(lost.because()));
            } else if (outcome instanceof Outcome.Split split) {
                Duration pause = pause(split, ticker.now().since(startedAt));
                var ignored = takeBack(split.strays())
                        .thenRun(() -> safely(() -> again(answers, pause, () -> endWith(split))));
            } else {
                // Servers that only failed are asked again; servers that are unreachable do not confirm the withdrawal.
                Throwable why = firstTrouble(failure);
                again(answers, pause(), () -> result.completeExceptionally(why));
            }
        }));
    }

    private void endWith(Outcome.Split split) {
        Acquisition because = split.because();
        if (because != null) {
            result.complete(because);
        } else {
            result.completeExceptionally(new LeaseStoreException(Finding.error(
                    "runs that had lost their leases have left done markers on "
                            + split.strays().size()
                            + " servers of the quorum, which could not be taken back",
                    "Try again")));
        }
    }

    /** Markers of completions that no majority can take any more. */
    private CompletableFuture<Void> takeBack(List<QuorumRound.Stray> strays) {
        return all(strays.stream()
                .map(stray -> GuardThreads.ask(() -> quorum.send(
                                stray.server(), one -> one.completions().unmark(request.identity(), stray.done())))
                        .exceptionally(unreachable -> false)
                        .toCompletableFuture())
                .toList());
    }

    /** What happened first; later attempts find fewer servers to ask. */
    private Throwable firstTrouble(@Nullable Throwable failure) {
        Throwable first = trouble;
        if (first == null) {
            first = failure == null ? new IllegalStateException("no outcome") : RedisTrouble.unwrapped(failure);
            trouble = first;
        }
        return first;
    }

    private CompletionStage<QuorumRound.Heard> acquireFrom(RedissonLeaseStore server) {
        return doubtful.contains(server)
                ? CompletableFuture.failedFuture(new LeaseStoreException(
                        "Redis at " + server.server() + " has not confirmed that an earlier attempt was withdrawn"))
                : server.vote(request)
                        .thenApply(answer -> new QuorumRound.Heard(
                                server, answer, server.completions().remembersSince(request.identity())));
    }

    private void writeBack(Lease highest, NanoTime startedAt, List<CompletableFuture<QuorumRound.Heard>> granted) {
        if (!quorum.writesBack()) {
            result.complete(new Acquisition.Granted(StoredLease.writtenBack(highest)));
            return;
        }
        List<CompletableFuture<Boolean>> answers = quorum.ask(server -> server.settle(highest));
        CompletableFuture<Boolean> settled = Votes.decided(answers, votes -> {
            if (votes.of(accepted -> accepted).size() >= quorum.majority()) {
                return true;
            }
            return votes.pending() > 0 ? null : false;
        });
        var unused = settled.whenComplete((accepted, failure) -> safely(() -> {
            if (failure != null || !accepted) {
                // The lease is no longer there: a server was emptied or is away, or somebody took it by force.
                again(
                        granted,
                        pause(),
                        () -> result.completeExceptionally(
                                new LeaseStoreException("a majority of the quorum granted the lease,"
                                        + " but no majority kept it until its fencing token was written back: servers went away, or it"
                                        + " was taken by force")));
            } else if (isWorthless(startedAt)) {
                fail(new LeaseStoreException(
                        "a majority granted the lease so late that it is no longer worth anything"));
            } else {
                quorum.servers().forEach(server -> server.sawToken(highest));
                result.complete(new Acquisition.Granted(StoredLease.writtenBack(highest)));
            }
        }));
    }

    /** Validity counts from before the first question was sent; nine tenths of the ttl is what the guard makes of it. */
    private boolean isWorthless(NanoTime startedAt) {
        return ticker.now()
                        .since(startedAt)
                        .compareTo(request.ttl().multipliedBy(8).dividedBy(10))
                > 0;
    }

    /**
     * Gives everything back first. A server is not asked again before it has confirmed that: the withdrawal may come later, and
     * would then take away what a later attempt was granted. So could what is given back after an answer that is still to come, so it is
     * waited for first. A majority that has confirmed is enough to go on; nobody waits for a server that hangs.
     *
     * @param answers of the attempt that is over, one a server
     */
    private void again(List<CompletableFuture<QuorumRound.Heard>> answers, Duration pause, Runnable ifTooLate) {
        Runnable next = once(() -> pauseAndAttempt(pause, ifTooLate));
        List<CompletableFuture<Void>> told = new ArrayList<>();
        for (int n = 0; n < answers.size(); n++) {
            RedissonLeaseStore server = quorum.servers().get(n);
            if (doubtful.add(server)) {
                told.add(answers.get(n)
                        .handle((answer, failure) -> server)
                        .thenCompose(this::withdraw)
                        .thenRun(() -> {
                            doubtful.remove(server);
                            if (canWin()) {
                                next.run();
                            }
                        })
                        .exceptionally(unreachable -> null));
            }
        }
        var unused = all(told).thenRun(next);
    }

    private boolean canWin() {
        return quorum.servers().size() - doubtful.size() >= quorum.majority();
    }

    private Runnable once(Runnable step) {
        AtomicBoolean done = new AtomicBoolean();
        return () -> {
            if (done.compareAndSet(false, true)) {
                safely(step);
            }
        };
    }

    private void pauseAndAttempt(Duration pause, Runnable ifTooLate) {
        if (canWin() && attempts <= MOST_ATTEMPTS && ticker.now().plus(pause).isBefore(lastStart)) {
            var unused = RedisThreads.THREADS.after(pause, RedisThreads.RETRIES, () -> safely(this::attempt));
        } else {
            ifTooLate.run();
        }
    }

    /** Whatever is thrown on the way, the caller is answered. */
    private void safely(Runnable step) {
        try {
            step.run();
        } catch (Throwable e) {
            result.completeExceptionally(e);
        }
    }

    private Duration pause(Outcome.Split split, Duration round) {
        if (split.isFirst(request.owner()) && attempts < FIRST_ATTEMPTS) {
            attempts++;
            return SHORTEST_PAUSE;
        }
        return pause().plus(round.compareTo(LONGEST_ROUND) < 0 ? round : LONGEST_ROUND);
    }

    private Duration pause() {
        attempts++;
        long longest = SHORTEST_PAUSE.toNanos() << Math.min(attempts, LONGEST_SHIFT);
        return SHORTEST_PAUSE.plusNanos(ThreadLocalRandom.current().nextLong(longest));
    }

    private void fail(Throwable why) {
        var unused = quorum.withdraw(request).whenComplete((done, ignored) -> result.completeExceptionally(why));
    }

    /**
     * Gives back what was granted, and whatever may still be granted by a server that has not answered. Completes when those
     * that have granted have answered: nobody waits for a server that hangs.
     */
    private CompletableFuture<Void> giveBack(List<CompletableFuture<QuorumRound.Heard>> answers) {
        List<CompletableFuture<?>> confirmed = new ArrayList<>();
        for (int n = 0; n < answers.size(); n++) {
            RedissonLeaseStore server = quorum.servers().get(n);
            CompletableFuture<QuorumRound.Heard> answer = answers.get(n);
            if (!answer.isDone() || answer.isCompletedExceptionally()) {
                var unused = withdraw(server).exceptionally(unreachable -> null);
                var ignored = answer.thenAccept(late -> giveBackLate(server, late.answer()));
            } else if (answer.join().answer() instanceof Acquisition.Granted) {
                confirmed.add(withdraw(server).exceptionally(unreachable -> null));
            }
        }
        return all(confirmed);
    }

    private void giveBackLate(RedissonLeaseStore server, Acquisition late) {
        if (late instanceof Acquisition.Granted) {
            var unused = withdraw(server).exceptionally(unreachable -> null);
        }
    }

    /** Those who wait would get no majority either: they would wake each other, each giving back what a minority grants. */
    private CompletableFuture<Void> withdraw(RedissonLeaseStore server) {
        return GuardThreads.ask(() -> quorum.send(server, one -> one.giveBack(request)))
                .toCompletableFuture();
    }

    private static CompletableFuture<Void> all(List<? extends CompletableFuture<?>> answers) {
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new));
    }
}

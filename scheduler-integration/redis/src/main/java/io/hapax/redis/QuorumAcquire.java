package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Holder;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStoreException;
import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Takes a lease on a majority: asks all servers, writes the highest token back to a majority, and gives up what it got
 * when either fails. Contenders that have split the servers among them try again after a random while.
 *
 * <p>Whatever a server grants after the attempt was given up is given back, too.
 */
final class QuorumAcquire {

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(5);
    private static final int LONGEST_SHIFT = 4;
    private static final int MOST_ATTEMPTS = 10;
    private static final ExecutorService RETRIES = RedisThreads.THREADS.pool("hapax-redis-quorum", 4);

    /** What a round of questions has come to. */
    private sealed interface Round {
        /** A majority has granted. */
        record Won(Lease highest) implements Round {}

        /** No majority is possible; what was granted is given back. */
        record Lost(Acquisition because) implements Round {}

        /** Several contenders have some servers each. */
        record Split(Acquisition because) implements Round {}
    }

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
        attempt();
        return result;
    }

    private void attempt() {
        NanoTime startedAt = ticker.now();
        List<CompletableFuture<Acquisition>> answers = quorum.ask(this::acquireFrom);
        CompletableFuture<Round> round = Votes.decided(answers, this::round);
        var unused = round.whenComplete((outcome, failure) -> safely(() -> {
            if (outcome instanceof Round.Won won) {
                writeBack(won.highest(), startedAt);
            } else if (outcome instanceof Round.Lost lost) {
                var ignored = giveBack(answers).thenRun(() -> result.complete(lost.because()));
            } else if (outcome instanceof Round.Split split) {
                again(() -> result.complete(split.because()));
            } else {
                // Servers that only stumbled are asked again, those that are away do not confirm the withdrawal.
                Throwable why = firstTrouble(failure);
                again(() -> result.completeExceptionally(why));
            }
        }));
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

    private CompletionStage<Acquisition> acquireFrom(RedissonLeaseStore server) {
        return doubtful.contains(server)
                ? CompletableFuture.failedFuture(new LeaseStoreException(
                        "Redis at " + server.server() + " has not confirmed that an earlier attempt was withdrawn"))
                : server.acquire(request);
    }

    private @Nullable Round round(Votes<Acquisition> votes) {
        // A done marker was written to a majority, so every majority has a server that knows it.
        List<Acquisition.Done> done = votes.of(Acquisition.Done.class);
        if (!done.isEmpty()) {
            return new Round.Lost(done.get(0));
        }
        List<Acquisition.Granted> granted = votes.of(Acquisition.Granted.class);
        if (granted.size() >= quorum.majority()) {
            // One that was written back may have counted: whoever asks again must not get another one.
            return new Round.Won(granted.stream()
                    .map(Acquisition.Granted::lease)
                    .max(Comparator.comparing((Lease lease) -> StoredLease.isWrittenBack(lease.since()))
                            .thenComparing(Lease::token))
                    .orElseThrow());
        }
        List<Acquisition.Held> held = votes.of(Acquisition.Held.class);
        if (!held.isEmpty() && servers(top(held), held) >= quorum.majority()) {
            return new Round.Lost(top(held));
        }
        return votes.pending() > 0 ? null : refused(votes, granted.size());
    }

    private Round refused(Votes<Acquisition> votes, int granted) {
        List<Acquisition.Held> held = votes.of(Acquisition.Held.class);
        List<Acquisition.Quarantined> quarantined = votes.of(Acquisition.Quarantined.class);
        if (votes.all().size() < quorum.majority()) {
            throw new LeaseStoreException(
                    "only " + votes.all().size() + " of " + quorum.servers().size()
                            + " servers of the quorum answered, a majority is needed" + votes.trouble());
        }
        if (!held.isEmpty()) {
            // Nobody has a majority, and may have to give back in a moment what he has.
            return new Round.Split(top(held));
        }
        if (!quarantined.isEmpty()) {
            return new Round.Lost(quarantined.stream()
                    .min(Comparator.comparing(Acquisition.Quarantined::left))
                    .orElseThrow());
        }
        throw new LeaseStoreException(
                "only " + granted + " of " + quorum.servers().size()
                        + " servers of the quorum granted the lease, a majority is needed" + votes.trouble());
    }

    /** On how many servers the same run holds the lease. */
    private static long servers(Acquisition.Held top, List<Acquisition.Held> held) {
        return held.stream()
                .filter(one -> one.holder().owner().equals(top.holder().owner()))
                .count();
    }

    private static Acquisition.Held top(List<Acquisition.Held> held) {
        Holder named = QuorumLeaseStore.mostFrequent(
                        held.stream().map(one -> Optional.of(one.holder())).toList())
                .orElseThrow();
        Acquisition.Held last = held.stream()
                .filter(one -> one.holder().owner().equals(named.owner()))
                .max(Comparator.comparing(Acquisition.Held::ttlLeft))
                .orElseThrow();
        return new Acquisition.Held(named, last.sameRun(), last.ttlLeft());
    }

    private void writeBack(Lease highest, NanoTime startedAt) {
        if (!quorum.writesBack()) {
            result.complete(new Acquisition.Granted(highest));
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
                again(() -> result.completeExceptionally(
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
     * Gives everything back first. A server that does not confirm it is not asked again: the withdrawal may come later, and
     * would then take away what a later attempt was granted.
     */
    private void again(Runnable ifTooLate) {
        List<CompletableFuture<?>> confirmed = new ArrayList<>();
        for (RedissonLeaseStore server : quorum.servers()) {
            if (!doubtful.contains(server)) {
                confirmed.add(withdraw(server).exceptionally(unreachable -> {
                    doubtful.add(server);
                    return null;
                }));
            }
        }
        var unused = all(confirmed).thenRun(() -> safely(() -> pauseAndAttempt(ifTooLate)));
    }

    private void pauseAndAttempt(Runnable ifTooLate) {
        Duration pause = pause();
        boolean canWin = quorum.servers().size() - doubtful.size() >= quorum.majority();
        if (canWin && attempts <= MOST_ATTEMPTS && ticker.now().plus(pause).isBefore(lastStart)) {
            var unused = RedisThreads.THREADS.after(pause, RETRIES, () -> safely(this::attempt));
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
    private CompletableFuture<Void> giveBack(List<CompletableFuture<Acquisition>> answers) {
        List<CompletableFuture<?>> confirmed = new ArrayList<>();
        for (int n = 0; n < answers.size(); n++) {
            RedissonLeaseStore server = quorum.servers().get(n);
            CompletableFuture<Acquisition> answer = answers.get(n);
            if (!answer.isDone() || answer.isCompletedExceptionally()) {
                var unused = withdraw(server).exceptionally(unreachable -> null);
                var ignored = answer.thenAccept(late -> giveBackLate(server, late));
            } else if (answer.join() instanceof Acquisition.Granted) {
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

    private CompletableFuture<Void> withdraw(RedissonLeaseStore server) {
        return GuardThreads.ask(() -> quorum.send(server, one -> one.withdraw(request)))
                .toCompletableFuture();
    }

    private static CompletableFuture<Void> all(List<CompletableFuture<?>> answers) {
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new));
    }
}

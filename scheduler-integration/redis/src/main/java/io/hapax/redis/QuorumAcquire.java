package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStoreException;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
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
        List<CompletableFuture<Acquisition>> answers = quorum.ask(server -> server.acquire(request));
        CompletableFuture<Round> round = Votes.decided(answers, this::round);
        var unused = round.whenComplete((outcome, failure) -> {
            if (outcome instanceof Round.Won won) {
                writeBack(won.highest(), startedAt);
                return;
            }
            giveBackWhatComesLate(answers);
            if (outcome instanceof Round.Lost lost) {
                giveUp(lost.because());
            } else if (outcome instanceof Round.Split split) {
                again(split.because());
            } else {
                fail(failure == null ? new IllegalStateException("no outcome") : RedisTrouble.unwrapped(failure));
            }
        });
    }

    private @Nullable Round round(Votes<Acquisition> votes) {
        // A done marker was written to a majority, so every majority has a server that knows it.
        List<Acquisition.Done> done = votes.of(Acquisition.Done.class);
        if (!done.isEmpty()) {
            return new Round.Lost(done.get(0));
        }
        List<Acquisition.Granted> granted = votes.of(Acquisition.Granted.class);
        if (granted.size() >= quorum.majority()) {
            return new Round.Won(granted.stream()
                    .map(Acquisition.Granted::lease)
                    .max(Comparator.comparing(Lease::token))
                    .orElseThrow());
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
            Acquisition.Held top = top(held);
            long servers = held.stream()
                    .filter(one -> one.holder().owner().equals(top.holder().owner()))
                    .count();
            // Somebody with fewer servers may have to give them back in a moment.
            return servers >= quorum.majority() ? new Round.Lost(top) : new Round.Split(top);
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

    private static Acquisition.Held top(List<Acquisition.Held> held) {
        Holder named = QuorumLeaseStore.mostFrequent(
                        held.stream().map(one -> Optional.of(one.holder())).toList())
                .orElseThrow();
        return held.stream()
                .filter(one -> one.holder().owner().equals(named.owner()))
                .max(Comparator.comparing(Acquisition.Held::ttlLeft))
                .orElseThrow();
    }

    private void writeBack(Lease highest, NanoTime startedAt) {
        if (!quorum.writesBack()) {
            result.complete(new Acquisition.Granted(highest));
            return;
        }
        FencingToken token = highest.token();
        List<CompletableFuture<Boolean>> answers = quorum.ask(server -> server.settle(highest));
        CompletableFuture<Boolean> settled = Votes.decided(answers, votes -> {
            if (votes.of(accepted -> accepted).size() >= quorum.majority()) {
                return true;
            }
            return votes.pending() > 0 ? null : false;
        });
        var unused = settled.whenComplete((accepted, failure) -> {
            if (failure != null || !accepted) {
                // The lease is no longer there: a server was emptied or is away, or somebody took it by force.
                again(null);
            } else if (isWorthless(startedAt)) {
                fail(new LeaseStoreException(
                        "a majority granted the lease so late that it is no longer worth anything"));
            } else {
                quorum.servers().forEach(server -> server.sawToken(request.identity(), token));
                result.complete(new Acquisition.Granted(new Lease(
                        request.identity(), request.owner(), token, request.worker(), request.ttl(), highest.since())));
            }
        });
    }

    /** Validity counts from before the first question was sent; nine tenths of the ttl is what the guard makes of it. */
    private boolean isWorthless(NanoTime startedAt) {
        return ticker.now()
                        .since(startedAt)
                        .compareTo(request.ttl().multipliedBy(8).dividedBy(10))
                > 0;
    }

    private void again(@Nullable Acquisition because) {
        var unused = quorum.withdraw(request).whenComplete((done, ignored) -> {
            Duration pause = pause();
            if (attempts <= MOST_ATTEMPTS && ticker.now().plus(pause).isBefore(lastStart)) {
                CompletableFuture.delayedExecutor(pause.toNanos(), TimeUnit.NANOSECONDS)
                        .execute(this::attemptSafely);
            } else if (because != null) {
                result.complete(because);
            } else {
                result.completeExceptionally(
                        new LeaseStoreException(
                                "no majority of the quorum agreed on a fencing token in time: too many ask for this key at once"));
            }
        });
    }

    private void attemptSafely() {
        try {
            attempt();
        } catch (RuntimeException e) {
            result.completeExceptionally(e);
        }
    }

    private Duration pause() {
        attempts++;
        long longest = SHORTEST_PAUSE.toNanos() << Math.min(attempts, LONGEST_SHIFT);
        return SHORTEST_PAUSE.plusNanos(ThreadLocalRandom.current().nextLong(longest));
    }

    private void giveUp(Acquisition because) {
        if (because instanceof Acquisition.Granted) {
            throw new IllegalStateException("a grant is no refusal");
        }
        var unused = quorum.withdraw(request).whenComplete((done, ignored) -> result.complete(because));
    }

    private void fail(Throwable why) {
        var unused = quorum.withdraw(request).whenComplete((done, ignored) -> result.completeExceptionally(why));
    }

    private void giveBackWhatComesLate(List<CompletableFuture<Acquisition>> answers) {
        for (int n = 0; n < answers.size(); n++) {
            RedissonLeaseStore server = quorum.servers().get(n);
            if (!answers.get(n).isDone()) {
                var unused = answers.get(n).thenAccept(late -> {
                    if (late instanceof Acquisition.Granted) {
                        var ignored = quorum.send(server, one -> one.withdraw(request));
                    }
                });
            }
        }
    }
}

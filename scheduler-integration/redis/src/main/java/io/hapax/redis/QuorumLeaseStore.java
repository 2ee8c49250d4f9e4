package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservations;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Leases on a majority of independent servers (Redlock). All servers are asked at once, and an answer is given as soon as
 * it is certain, so a minority that hangs slows nothing down. Thread-safe.
 */
class QuorumLeaseStore implements AdministeredStore {

    private static final int ATTEMPTS_TO_AGREE = 3;
    private static final Duration PAUSE = Duration.ofMillis(50);

    private final List<RedissonLeaseStore> servers;
    private final Duration perServer;
    private final Duration answerTimeout;
    private final Ticker ticker;
    private final Wire wire;
    private final UntilHeard untilHeard;
    private final Restorations restorations = new Restorations();
    private volatile boolean agreed;

    /** The way to a server. */
    interface Wire {
        <T> CompletionStage<T> send(
                RedissonLeaseStore server, Function<RedissonLeaseStore, CompletionStage<T>> question);
    }

    /** Sends what it is given. */
    static final Wire DIRECT = new Wire() {
        @Override
        public <T> CompletionStage<T> send(
                RedissonLeaseStore server, Function<RedissonLeaseStore, CompletionStage<T>> question) {
            return question.apply(server);
        }
    };

    QuorumLeaseStore(
            List<RedissonLeaseStore> servers, Duration perServer, Duration answerTimeout, Ticker ticker, Wire wire) {
        this.wire = wire;
        this.servers = List.copyOf(servers);
        this.perServer = perServer;
        this.answerTimeout = answerTimeout;
        this.ticker = ticker;
        this.untilHeard = new UntilHeard(wire, ticker);
    }

    /** Whether tokens are written back to a majority before they count; without, tests see them repeat. */
    boolean writesBack() {
        return true;
    }

    int majority() {
        return servers.size() / 2 + 1;
    }

    List<RedissonLeaseStore> servers() {
        return servers;
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        // An attempt asks, writes back and withdraws: each may take as long as a server is waited for.
        Duration forAttempts = answerTimeout.minus(perServer.multipliedBy(3));
        return new QuorumAcquire(this, request, ticker, ticker.now().plus(forAttempts)).start();
    }

    /** Asks every server; a call that throws counts as failed. */
    <T> List<CompletableFuture<T>> ask(Function<RedissonLeaseStore, CompletionStage<T>> question) {
        return each(server -> wire.send(server, question));
    }

    /** Calls for every server; a call that throws counts as failed. */
    <T> List<CompletableFuture<T>> each(Function<RedissonLeaseStore, CompletionStage<T>> call) {
        List<CompletableFuture<T>> answers = new ArrayList<>();
        for (RedissonLeaseStore server : servers) {
            CompletableFuture<T> answer;
            try {
                answer = call.apply(server).toCompletableFuture();
            } catch (IllegalArgumentException callersMistake) {
                throw callersMistake;
            } catch (Throwable e) {
                answer = CompletableFuture.failedFuture(e);
            }
            answers.add(answer);
        }
        return answers;
    }

    <T> CompletionStage<T> send(RedissonLeaseStore server, Function<RedissonLeaseStore, CompletionStage<T>> question) {
        return wire.send(server, question);
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        restorations.begin(leases);
        List<CompletableFuture<List<Renewal>>> answers;
        try {
            answers = ask(server -> server.renew(leases));
        } catch (RuntimeException callersMistake) {
            restorations.end(leases);
            throw callersMistake;
        }
        CompletableFuture<List<Renewal>> decided = Votes.decided(answers, votes -> renewals(leases.size(), votes));
        List<CompletableFuture<?>> restored = new ArrayList<>();
        for (int n = 0; n < answers.size(); n++) {
            RedissonLeaseStore server = servers.get(n);
            restored.add(answers.get(n)
                    .thenCombine(decided, (own, all) -> missing(leases, own, all))
                    .thenCompose(missing -> restorations.restore(server, missing, wire)));
        }
        var unused = CompletableFuture.allOf(restored.toArray(CompletableFuture<?>[]::new))
                .whenComplete((done, failure) -> restorations.end(leases));
        return decided;
    }

    /** Leases that a majority has renewed, and this server does not know. */
    private static List<Lease> missing(List<Lease> leases, List<Renewal> own, List<Renewal> decided) {
        List<Lease> missing = new ArrayList<>();
        for (int i = 0; i < leases.size(); i++) {
            boolean isMissing =
                    own.get(i) instanceof Renewal.Gone gone && gone.heldBy().isEmpty();
            if (isMissing && decided.get(i) instanceof Renewal.Renewed) {
                missing.add(leases.get(i));
            }
        }
        return missing;
    }

    Restorations restorations() {
        return restorations;
    }

    private @Nullable List<Renewal> renewals(int leases, Votes<List<Renewal>> votes) {
        List<Renewal> decided = new ArrayList<>();
        for (int n = 0; n < leases; n++) {
            int index = n;
            Renewal answer = renewal(votes.map(list -> list.get(index)));
            if (answer == null) {
                return null;
            }
            decided.add(answer);
        }
        return decided;
    }

    private @Nullable Renewal renewal(Votes<Renewal> votes) {
        List<Renewal> renewed = votes.of(Renewal.Renewed.class::isInstance);
        if (renewed.size() >= majority()) {
            return new Renewal.Renewed(renewed.stream().anyMatch(answer -> ((Renewal.Renewed) answer).reasserted()));
        }
        List<Renewal> gone = votes.of(Renewal.Gone.class::isInstance);
        if (gone.size() > servers.size() - majority()) {
            return new Renewal.Gone(mostFrequent(gone.stream()
                            .map(answer -> ((Renewal.Gone) answer).heldBy())
                            .toList())
                    .orElse(null));
        }
        return votes.pending() > 0
                ? null
                : new Renewal.Unknown(votes.trouble("only " + renewed.size() + " of " + servers.size()
                        + " servers have renewed the lease, a majority is needed"));
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        // Each server keeps all in one bucket.
        return new QuorumRelease(this, lease, ending.again() ? Ending.NOT_DONE : ending).start();
    }

    UntilHeard untilHeard() {
        return untilHeard;
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        List<CompletableFuture<Void>> answers = ask(server -> server.withdraw(request));
        return CompletableFuture.allOf(answers.stream()
                .map(answer -> answer.exceptionally(unreachable -> null))
                .toArray(CompletableFuture<?>[]::new));
    }

    /**
     * A run waits only briefly for each server. An operator can wait longer, so the question is asked again until enough servers
     * have answered. Only for questions that change nothing: of others the first answer tells what was changed.
     */
    <T> CompletionStage<T> patiently(Supplier<CompletionStage<T>> question) {
        return patiently(
                question, ticker.now().plus(answerTimeout.multipliedBy(3).dividedBy(4)));
    }

    private <T> CompletionStage<T> patiently(Supplier<CompletionStage<T>> question, NanoTime end) {
        return GuardThreads.ask(question).exceptionallyCompose(failure -> {
            Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
            if (!(cause instanceof LeaseStoreException)
                    || !ticker.now().plus(PAUSE).isBefore(end)) {
                return CompletableFuture.failedFuture(failure);
            }
            CompletableFuture<Void> pause = new CompletableFuture<>();
            return RedisThreads.endingAfter(PAUSE, pause, () -> pause.complete(null))
                    .thenCompose(over -> patiently(question, end));
        });
    }

    /** Whether a majority may have what so many servers have: those that could not be asked may have it, too. */
    boolean isOfMajority(long having, Votes<?> votes) {
        return having + votes.failures().size() >= majority();
    }

    @Override
    public LeaseAdmin admin() {
        return new QuorumAdmin(this);
    }

    @Override
    public FleetBoard board() {
        return new QuorumBoard(this);
    }

    /**
     * The holder named most often, with the token that was written back; servers that remember an earlier one are outvoted.
     * Until its token has counted, it is named with one that may never count.
     */
    static Optional<Holder> mostFrequent(List<Optional<Holder>> holders) {
        List<Holder> named = holders.stream().flatMap(Optional::stream).toList();
        return named.stream()
                .max(Comparator.comparingLong((Holder holder) -> count(holders, holder.owner()))
                        .thenComparing(holder -> StoredLease.isWrittenBack(holder.since()))
                        .thenComparingInt(holder -> Collections.frequency(named, holder)))
                .map(StoredLease::plain);
    }

    static long count(List<Optional<Holder>> holders, OwnerId owner) {
        return holders.stream()
                .filter(holder ->
                        holder.map(Holder::owner).filter(owner::equals).isPresent())
                .count();
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        List<CompletableFuture<Void>> chances = ask(server -> server.nextChance(identity, atMost));
        CompletableFuture<Void> first = new CompletableFuture<>();
        chances.forEach(chance -> {
            var unused = chance.whenComplete((seen, cancelled) -> first.complete(null));
        });
        var unused = first.whenComplete((seen, cancelled) -> chances.forEach(chance -> chance.cancel(false)));
        return first;
    }

    @Override
    public Optional<Reservations> reservations() {
        return Optional.of(new QuorumReservations(this));
    }

    @Override
    public Duration answerTimeout() {
        return answerTimeout;
    }

    @Override
    public Duration longestTtl() {
        return servers.get(0).longestTtl();
    }

    @Override
    public String fingerprint() {
        return "quorum of " + servers.size() + ", " + servers.get(0).fingerprint();
    }

    /**
     * {@inheritDoc} A server that cannot be asked takes no lease until it could be. Servers are waited for but shortly, so
     * without a majority they are asked again.
     */
    @Override
    public void agree(String settings) {
        for (int attempt = 1; ; attempt++) {
            try {
                compared(settings).join();
                agreed = true;
                return;
            } catch (CompletionException e) {
                if (attempt == ATTEMPTS_TO_AGREE || e.getCause() instanceof Agreement.Different) {
                    if (!agreed) {
                        // So that those which are joined later do not hold to it.
                        servers.forEach(RedissonLeaseStore::disagree);
                    }
                    throw e.getCause() instanceof LeaseStoreException refused ? refused : e;
                }
            }
        }
    }

    private CompletableFuture<Boolean> compared(String settings) {
        return Votes.decided(ask(server -> server.agreeing(settings).thenApply(agreed -> true)), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            for (Throwable failure : votes.failures()) {
                if (failure instanceof Agreement.Different differing) {
                    throw differing;
                }
            }
            requireMajority(votes, "have compared settings");
            return true;
        });
    }

    /** Fails if too few have answered; tells what they should have done. */
    void requireMajority(Votes<?> votes, String what) {
        if (votes.all().size() < majority()) {
            throw votes.trouble("only " + votes.all().size() + " of " + servers.size() + " servers " + what
                    + ", a majority is needed");
        }
    }

    @Override
    public void close() {
        GuardThreads.inTurn(
                servers.stream().<Runnable>map(server -> server::close).toArray(Runnable[]::new));
    }
}

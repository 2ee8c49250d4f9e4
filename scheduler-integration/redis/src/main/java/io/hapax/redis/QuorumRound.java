package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Holder;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the servers' answers to one question for a lease come to. Immutable.
 *
 * <p>A done marker counts if a majority of servers may have taken its completion: unless a majority that has forgotten nothing
 * since says that it has not, and cannot take it any more. One that does not count is what a run left that had lost its lease.
 * Done and failed are counted alike, each for itself: an occurrence has the outcome that a majority has taken.
 *
 * @param votes the answers so far
 * @param servers how many were asked
 */
record QuorumRound(Votes<QuorumRound.Heard> votes, int servers) {

    /** Servers' clocks may differ by this. */
    private static final Duration CLOCKS = Duration.ofSeconds(1);

    /**
     * What a server has said.
     *
     * @param remembersSince since when it has forgotten nothing; null if that is not known
     */
    record Heard(
            RedissonLeaseStore server,
            Acquisition answer,
            @Nullable Instant remembersSince) {

        /** Whether this server has not taken the completion, and will not. */
        boolean denies(Acquisition.Done done) {
            boolean remembers = remembersSince != null
                    && remembersSince.plus(CLOCKS).isBefore(done.by().since());
            // In quarantine it would take a completion without a lease.
            return remembers && !(answer instanceof Acquisition.Quarantined) && !mayComplete(done) && !told(done);
        }

        boolean mayComplete(Acquisition.Done done) {
            return answer instanceof Acquisition.Held held
                    && held.holder().owner().equals(done.by().owner());
        }

        boolean told(Acquisition.Done done) {
            return answer instanceof Acquisition.Done own
                    && own.by().owner().equals(done.by().owner())
                    && own.outcome() == done.outcome();
        }
    }

    /** A done marker that does not count, and where it is. */
    record Stray(RedissonLeaseStore server, Acquisition.Done done) {}

    /** What the round has come to. */
    sealed interface Outcome {
        /** A majority has granted. */
        record Won(Lease highest) implements Outcome {}

        /** No majority is possible; what was granted is given back. */
        record Lost(Acquisition because) implements Outcome {}

        /**
         * Several contenders have some servers each, or markers that do not count are in the way.
         *
         * @param holders who has a server
         */
        record Split(@Nullable Acquisition because, List<Stray> strays, List<OwnerId> holders) implements Outcome {

            /** Contenders agree on who goes first, so that they do not split the servers again and again. */
            boolean isFirst(OwnerId contender) {
                return holders.stream().allMatch(other -> contender.value().compareTo(other.value()) <= 0);
            }
        }
    }

    private int majority() {
        return servers / 2 + 1;
    }

    /** Null if more answers are needed; fails if there are too few. */
    @Nullable
    Outcome outcome() {
        List<Acquisition.Done> counting = new ArrayList<>();
        List<Stray> strays = new ArrayList<>();
        for (Heard heard : votes.all()) {
            if (heard.answer() instanceof Acquisition.Done done) {
                if (votes.of(one -> one.denies(done)).size() >= majority()) {
                    strays.add(new Stray(heard.server(), done));
                } else {
                    counting.add(done);
                }
            }
        }
        return counting.isEmpty() ? granted(strays) : completed(counting);
    }

    /** What it comes to unless others answer: null where they may be needed for more than to end a split. */
    Outcome.@Nullable Split split() {
        boolean isEnough = votes.all().size() >= majority() && !held().isEmpty();
        return isEnough && new QuorumRound(votes.withoutPending(), servers).outcome() instanceof Outcome.Split split
                ? split
                : null;
    }

    private @Nullable Outcome completed(List<Acquisition.Done> counting) {
        for (Acquisition.Done done : counting) {
            if (votes.of(one -> one.told(done)).size() >= majority()) {
                return new Outcome.Lost(done);
            }
        }
        Acquisition.Held holder = holderOfMajority();
        if (holder != null) {
            return new Outcome.Lost(holder);
        }
        return votes.pending() > 0 ? null : unresolved(counting);
    }

    /** All have answered that will. */
    private Outcome unresolved(List<Acquisition.Done> counting) {
        for (Acquisition.Done done : counting) {
            int against = votes.of(one -> one.denies(done)).size();
            int open = votes.of(one -> one.mayComplete(done)).size();
            if (against + open + votes.failures().size() < majority()) {
                return new Outcome.Lost(done);
            }
        }
        List<Acquisition.Held> held = held();
        if (!held.isEmpty()) {
            // It is being completed, or its holder has gone meanwhile.
            return split(held, List.of());
        }
        throw votes.trouble("a server of the quorum remembers that the occurrence has completed, by "
                + counting.get(0).by() + ", but too few others answered to tell whether a majority took it");
    }

    private @Nullable Outcome granted(List<Stray> strays) {
        List<Acquisition.Granted> granted = answers(Acquisition.Granted.class);
        if (granted.size() >= majority()) {
            // A lease that was written back may have counted: the client must not get another one when it asks again.
            return new Outcome.Won(granted.stream()
                    .map(Acquisition.Granted::lease)
                    .max(Comparator.comparing((Lease lease) -> StoredLease.isWrittenBack(lease.since()))
                            .thenComparing(Lease::token))
                    .orElseThrow());
        }
        Acquisition.Held holder = holderOfMajority();
        if (holder != null) {
            return new Outcome.Lost(holder);
        }
        List<Acquisition.Paused> paused = answers(Acquisition.Paused.class);
        if (paused.size() > servers - majority()) {
            return new Outcome.Lost(paused.get(0));
        }
        return votes.pending() > 0 ? null : refused(granted.size(), strays);
    }

    private Outcome refused(int granted, List<Stray> strays) {
        if (votes.all().size() < majority()) {
            throw votes.trouble("only " + votes.all().size() + " of " + servers
                    + " servers of the quorum answered, a majority is needed");
        }
        List<Acquisition.Held> held = held();
        if (!held.isEmpty()) {
            // Nobody has a majority, and may have to give back in a moment what he has.
            return split(held, strays);
        }
        Optional<Acquisition.Quarantined> quarantined = answers(Acquisition.Quarantined.class).stream()
                .min(Comparator.comparing(Acquisition.Quarantined::left));
        if (quarantined.isPresent()) {
            return new Outcome.Lost(quarantined.get());
        }
        if (!strays.isEmpty()) {
            return new Outcome.Split(null, strays, List.of());
        }
        throw votes.trouble("only " + granted + " of " + servers
                + " servers of the quorum granted the lease, a majority is needed");
    }

    private Outcome split(List<Acquisition.Held> held, List<Stray> strays) {
        return new Outcome.Split(
                top(held),
                strays,
                held.stream().map(one -> one.holder().owner()).toList());
    }

    private <K extends Acquisition> List<K> answers(Class<K> kind) {
        return votes.map(Heard::answer).of(kind);
    }

    private List<Acquisition.Held> held() {
        return answers(Acquisition.Held.class);
    }

    private Acquisition.@Nullable Held holderOfMajority() {
        List<Acquisition.Held> held = held();
        if (held.isEmpty()) {
            return null;
        }
        Acquisition.Held top = top(held);
        long same = held.stream()
                .filter(one -> one.holder().owner().equals(top.holder().owner()))
                .count();
        return same >= majority() ? top : null;
    }

    private Acquisition.Held top(List<Acquisition.Held> held) {
        Holder named = QuorumLeaseStore.mostFrequent(
                        held.stream().map(one -> Optional.of(one.holder())).toList())
                .orElseThrow();
        List<Acquisition.Held> same = held.stream()
                .filter(one -> one.holder().owner().equals(named.owner()))
                .toList();
        Acquisition.Held last = same.stream()
                .max(Comparator.comparing(Acquisition.Held::ttlLeft))
                .orElseThrow();
        // A waiting run keeps others from a majority if it is known to one server more than the number of servers that
        // a majority can
        // do without.
        int awaited = same.stream()
                .mapToInt(Acquisition.Held::awaited)
                .sorted()
                .skip(servers - majority())
                .findFirst()
                .orElse(Acquisition.Held.NOBODY);
        return new Acquisition.Held(named, last.sameRun(), last.ttlLeft(), last.slot(), nextSlot(same), awaited);
    }

    /**
     * The lowest slot that a majority takes for free: a server that has missed a grant takes its slot for free, and one that has missed
     * how a slot was given back does not.
     */
    private int nextSlot(List<Acquisition.Held> answers) {
        int[] lowest = answers.stream()
                .mapToInt(Acquisition.Held::nextSlot)
                .map(slot -> slot == 0 ? Integer.MAX_VALUE : slot)
                .sorted()
                .toArray();
        int next = lowest[Math.min(majority(), lowest.length) - 1];
        return next == Integer.MAX_VALUE ? 0 : next;
    }
}

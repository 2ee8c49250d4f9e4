package io.hapax.testkit;

import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The reference model of a lease store, based only on the answers that callers got: one valid holder, tokens in order, a completed run
 * stays done, a run that lost its lease leaves no marker, and places are kept for their time.
 */
final class LeaseHistoryJudge {

    private final int mostWithAPlace;
    /** The newest grant of each key that a caller has received. */
    private final Map<Object, Lease> newest = new HashMap<>();

    private final Map<RunKey, OwnerId> done = new HashMap<>();
    /** The owners that may have left a marker: they asked for it, and did not get the answer that it came too late. */
    private final Map<RunKey, Set<OwnerId>> completing = new HashMap<>();

    private @Nullable String wrong;

    LeaseHistoryJudge(int mostWithAPlace) {
        this.mostWithAPlace = mostWithAPlace;
    }

    /** Returns the first promise that was broken; null if none was. */
    @Nullable
    String wrong() {
        return wrong;
    }

    private void require(boolean kept, String promise, Object of) {
        if (!kept && wrong == null) {
            wrong = promise + ": " + of;
        }
    }

    /** What a lease is on. */
    static Object key(JobIdentity identity) {
        return identity.lockKey() != null ? identity.lockKey() : Objects.requireNonNull(identity.runKey());
    }

    void granted(LeaseRequest request, Lease lease, boolean othersAtWork) {
        require(!othersAtWork, "one run at a time holds a key", lease);
        require(lease.owner().equals(request.owner()), "a lease is for the owner who asked", lease);
        Lease before = newest.put(key(lease.identity()), lease);
        require(
                before == null || before.token().compareTo(lease.token()) < 0,
                "each grant of a key has a larger token, after " + before,
                lease);
        RunKey run = lease.identity().runKey();
        if (run != null) {
            require(!done.containsKey(run), "what is done is not granted again", lease);
            // Their leases are over, and no marker is there.
            completing.remove(run);
        }
    }

    void held(LeaseRequest request, OwnerId holder) {
        require(!holder.equals(request.owner()), "nobody is in his own way", request);
        require(!isDone(request.identity()), "what is done stays done", request);
    }

    void done(JobIdentity identity, OwnerId by) {
        RunKey run = Objects.requireNonNull(identity.runKey());
        OwnerId known = done.get(run);
        require(known == null || known.equals(by), "what is done is done by " + known + ", not by", by);
        require(
                completing.getOrDefault(run, Set.of()).contains(by),
                "a run that lost its lease, or did not complete, leaves no marker",
                by);
        done.put(run, by);
    }

    boolean isDone(JobIdentity identity) {
        return identity.runKey() != null && done.containsKey(identity.runKey());
    }

    /** Of a lease that is valid by its holder's clock. */
    void renewed(boolean renewed, Lease mine) {
        require(renewed, "nobody takes away a valid lease", mine);
    }

    void ends(Lease mine, Ending how) {
        RunKey run = mine.identity().runKey();
        if (how.isDone() && run != null && isNewest(mine)) {
            completing.computeIfAbsent(run, any -> new HashSet<>()).add(mine.owner());
        }
    }

    /** Whether no newer grant of its key has reached any caller. */
    private boolean isNewest(Lease mine) {
        return mine.equals(newest.get(key(mine.identity())));
    }

    /**
     * A release was answered.
     *
     * @param provable whether the lease was valid by its holder's clock, and this is no repetition that may answer either
     */
    void ended(Lease mine, Ending how, boolean held, boolean provable) {
        require(held || !provable, "nobody takes away a valid lease", mine);
        RunKey run = mine.identity().runKey();
        if (!how.isDone() || run == null) {
            return;
        }
        Set<OwnerId> mayBe = completing.computeIfAbsent(run, any -> new HashSet<>());
        if (held) {
            require(mayBe.contains(mine.owner()), "a run that lost its lease does not complete", mine);
            done.put(run, mine.owner());
        } else {
            mayBe.remove(mine.owner());
        }
    }

    void isFree(boolean free, JobIdentity identity) {
        require(free, "nothing that was carried out late blocks a key for longer than a ttl", identity);
    }

    void keepsPlace(boolean kept, String caller) {
        require(kept, "a place is kept for its time", caller);
    }

    void places(long taken) {
        require(taken <= mostWithAPlace, "so many have a place at once", taken);
    }
}

package io.hapax.testkit;

import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PastRun;
import io.hapax.ops.PausedKey;
import io.hapax.testkit.BrokenLeaseStore.Flaw;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** What a {@link BrokenLeaseStore} tells operators. */
final class BrokenLeaseAdmin extends ForwardingLeaseAdmin {

    private final BrokenLeaseStore store;
    private final Flaw flaw;

    BrokenLeaseAdmin(LeaseAdmin admin, BrokenLeaseStore store, Flaw flaw) {
        super(admin);
        this.store = store;
        this.flaw = flaw;
    }

    @Override
    public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
        return super.holder(store.bent(identity));
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
        return super.forceRelease(store.bent(identity), why);
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
        if (flaw != Flaw.TAKES_AWAY_FROM_ANYBODY) {
            return super.forceRelease(lease, why);
        }
        JobIdentity identity = lease.onRunKey()
                ? new JobIdentity(null, new RunKey(lease.name()))
                : new JobIdentity(new LockKey(lease.name()), null);
        return super.forceRelease(identity, why);
    }

    @Override
    public CompletionStage<List<HeldLease>> leases(int atMost) {
        return super.leases(flaw == Flaw.LISTS_ONLY_THE_FIRST ? Math.min(atMost, 500) : atMost);
    }

    /** Found in the list, as by stores that cannot look one up. */
    @Override
    public CompletionStage<Optional<HeldLease>> lease(String name, boolean onRunKey) {
        return leases(Integer.MAX_VALUE)
                .thenApply(all -> all.stream()
                        .filter(lease ->
                                lease.onRunKey() == onRunKey && lease.name().equals(name))
                        .findFirst());
    }

    @Override
    public CompletionStage<Void> pause(JobIdentity identity, Duration atMost, Intervention why) {
        return flaw == Flaw.PAUSES_NOTHING
                ? CompletableFuture.completedFuture(null)
                : super.pause(identity, atMost, why);
    }

    @Override
    public CompletionStage<List<PausedKey>> pauses(int atMost) {
        return flaw == Flaw.LISTS_NO_PAUSES ? CompletableFuture.completedFuture(List.of()) : super.pauses(atMost);
    }

    @Override
    public CompletionStage<List<PastRun>> history(String job, int atMost) {
        return flaw == Flaw.HAS_NO_HISTORY ? CompletableFuture.completedFuture(List.of()) : super.history(job, atMost);
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return flaw == Flaw.NOTES_NO_AUDIT ? CompletableFuture.completedFuture(List.of()) : super.audit(atMost);
    }
}

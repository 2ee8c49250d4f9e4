package io.hapax.testkit;

import io.hapax.lease.AuditEntry;
import io.hapax.lease.HeldLease;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LeaseOperations;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.PastRun;
import io.hapax.lease.RunKey;
import io.hapax.lease.ServerHealth;
import io.hapax.testkit.BrokenLeaseStore.Flaw;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** What a {@link BrokenLeaseStore} tells people. */
record BrokenOperations(LeaseOperations operations, LeaseStore store, Flaw flaw) implements LeaseOperations {

    @Override
    public CompletionStage<List<HeldLease>> leases(int atMost) {
        return operations.leases(flaw == Flaw.LISTS_ONLY_THE_FIRST ? Math.min(atMost, 500) : atMost);
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
        if (flaw != Flaw.TAKES_AWAY_FROM_ANYBODY) {
            return operations.forceRelease(lease, why);
        }
        return store.forceRelease(
                lease.onRunKey()
                        ? new JobIdentity(null, new RunKey(lease.name()))
                        : new JobIdentity(new LockKey(lease.name()), null),
                why);
    }

    @Override
    public CompletionStage<Void> pause(JobIdentity identity, Duration atMost, Intervention why) {
        return flaw == Flaw.PAUSES_NOTHING
                ? CompletableFuture.completedFuture(null)
                : operations.pause(identity, atMost, why);
    }

    @Override
    public CompletionStage<Boolean> resume(JobIdentity identity, Intervention why) {
        return operations.resume(identity, why);
    }

    @Override
    public CompletionStage<Optional<KeyPause>> paused(JobIdentity identity) {
        return operations.paused(identity);
    }

    @Override
    public CompletionStage<List<PastRun>> history(String job, int atMost) {
        return flaw == Flaw.HAS_NO_HISTORY
                ? CompletableFuture.completedFuture(List.of())
                : operations.history(job, atMost);
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return flaw == Flaw.NOTES_NO_AUDIT ? CompletableFuture.completedFuture(List.of()) : operations.audit(atMost);
    }

    @Override
    public CompletionStage<Boolean> post(String worker, String report, Duration lifetime) {
        Duration kept = flaw == Flaw.KEEPS_OLD_REPORTS ? Duration.ofDays(1) : lifetime;
        return operations.post(worker, report, kept).thenApply(read -> read && flaw != Flaw.NOBODY_EVER_READS);
    }

    @Override
    public CompletionStage<Map<String, String>> reports(Duration readingFor) {
        return operations.reports(readingFor);
    }

    @Override
    public CompletionStage<List<ServerHealth>> servers() {
        return operations.servers();
    }
}

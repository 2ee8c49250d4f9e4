package io.hapax.testkit;

import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PastRun;
import io.hapax.ops.PausedKey;
import io.hapax.ops.ServerHealth;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** What operators ask, handed on, for doubles that change some of it. */
abstract class ForwardingLeaseAdmin implements LeaseAdmin {

    private final LeaseAdmin admin;

    ForwardingLeaseAdmin(LeaseAdmin admin) {
        this.admin = admin;
    }

    @Override
    public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
        return admin.holder(identity);
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
        return admin.forceRelease(identity, why);
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
        return admin.forceRelease(lease, why);
    }

    @Override
    public CompletionStage<List<HeldLease>> leases(int atMost) {
        return admin.leases(atMost);
    }

    @Override
    public CompletionStage<Optional<HeldLease>> lease(String name, boolean onRunKey) {
        return admin.lease(name, onRunKey);
    }

    @Override
    public CompletionStage<Void> pause(JobIdentity identity, Duration atMost, Intervention why) {
        return admin.pause(identity, atMost, why);
    }

    @Override
    public CompletionStage<Boolean> resume(JobIdentity identity, Intervention why) {
        return admin.resume(identity, why);
    }

    @Override
    public CompletionStage<Boolean> resume(PausedKey key, Intervention why) {
        return admin.resume(key, why);
    }

    @Override
    public CompletionStage<Boolean> runAgain(JobIdentity identity, Intervention why) {
        return admin.runAgain(identity, why);
    }

    @Override
    public CompletionStage<Optional<KeyPause>> paused(JobIdentity identity) {
        return admin.paused(identity);
    }

    @Override
    public CompletionStage<List<PausedKey>> pauses(int atMost) {
        return admin.pauses(atMost);
    }

    @Override
    public CompletionStage<List<PastRun>> history(String job, int atMost) {
        return admin.history(job, atMost);
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return admin.audit(atMost);
    }

    @Override
    public CompletionStage<List<ServerHealth>> servers() {
        return admin.servers();
    }
}

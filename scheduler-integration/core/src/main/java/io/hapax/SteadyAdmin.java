package io.hapax;

import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LeaseStore;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PausedKey;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What a guard asks of a store on behalf of operators; every answer comes, and in time, as those of {@link SteadyStore}. */
record SteadyAdmin(AdministeredStore store, Answers answers) {

    /** Null if nobody can ask the store. */
    static @Nullable SteadyAdmin of(LeaseStore store, Answers answers) {
        return store instanceof AdministeredStore administered ? new SteadyAdmin(administered, answers) : null;
    }

    /** See {@link LeaseAdmin#holder}. */
    CompletableFuture<Optional<Holder>> holder(JobIdentity identity) {
        return answers.of("holder", () -> store.admin().holder(identity));
    }

    /** See {@link LeaseAdmin#forceRelease(JobIdentity, Intervention)}. */
    CompletableFuture<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
        return answers.of("forceRelease", () -> store.admin().forceRelease(identity, why));
    }

    /** See {@link LeaseAdmin#runAgain}. */
    CompletableFuture<Boolean> runAgain(JobIdentity identity, Intervention why) {
        return answers.of("runAgain", () -> store.admin().runAgain(identity, why));
    }

    /** See {@link LeaseAdmin#pause}. */
    CompletableFuture<Void> pause(JobIdentity identity, Duration atMost, Intervention why) {
        return answers.done("pause", () -> store.admin().pause(identity, atMost, why));
    }

    /** See {@link LeaseAdmin#resume(JobIdentity, Intervention)}. */
    CompletableFuture<Boolean> resume(JobIdentity identity, Intervention why) {
        return answers.of("resume", () -> store.admin().resume(identity, why));
    }

    /** See {@link LeaseAdmin#resume(PausedKey, Intervention)}. */
    CompletableFuture<Boolean> resume(PausedKey key, Intervention why) {
        return answers.of("resume", () -> store.admin().resume(key, why));
    }

    /** See {@link LeaseAdmin#paused}. */
    CompletableFuture<Optional<KeyPause>> paused(JobIdentity identity) {
        return answers.of("paused", () -> store.admin().paused(identity));
    }

    /** See {@link LeaseAdmin#forceRelease(HeldLease, Intervention)}. */
    CompletableFuture<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
        return answers.of("forceRelease", () -> store.admin().forceRelease(lease, why));
    }
}

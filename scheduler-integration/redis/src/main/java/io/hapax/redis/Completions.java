package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RScript.ReturnType;

/** What a quorum has to do with the done markers of one of its servers. Thread-safe. */
record Completions(Namespace namespace) {

    /** Takes back what a completion that no majority has taken has left on this server, or may leave there later. */
    CompletableFuture<Boolean> unmark(Lease lease, Ending ending) {
        return unmark(lease.identity(), lease.owner().value(), StoredLease.grant(lease), Added.of(ending));
    }

    /** Takes back a done marker with which this server refused a request. */
    CompletableFuture<Boolean> unmark(JobIdentity identity, Acquisition.Done done) {
        // As of a quorum, where a lease that is left may have another token.
        Holder by = done.by();
        return unmark(identity, by.owner().value(), "0" + by.token(), Added.of(done.outcome()));
    }

    private CompletableFuture<Boolean> unmark(JobIdentity identity, String owner, String grant, Added added) {
        Keyspace.Keys keys = namespace.keys(identity);
        CompletableFuture<Long> answer = namespace
                .scripts()
                .call(
                        Script.UNMARK,
                        ReturnType.LONG,
                        List.of(keys.done(), keys.lease()),
                        owner,
                        grant,
                        added.in(namespace.bucket(keys).format()).toString());
        return answer.thenApply(code -> code == 1);
    }

    /** Notes a completion that a majority has taken. */
    CompletableFuture<Boolean> mark(Lease lease, Ending ending) {
        Keyspace.Keys keys = namespace.keys(lease.identity());
        CompletableFuture<Long> answer = namespace
                .scripts()
                .call(
                        Script.MARK,
                        ReturnType.LONG,
                        List.of(keys.done(), keys.lease(), keys.waiter()),
                        lease.owner().value(),
                        StoredLease.grant(lease),
                        Long.toString(ending.retention().toMillis()),
                        StoredLease.aboutRun(
                                lease,
                                Added.of(ending).in(namespace.bucket(keys).format())),
                        namespace.channel());
        return answer.thenApply(code -> code == 1);
    }

    /** Since when this server has forgotten nothing, by its own clock; null if it has never said. */
    @Nullable
    Instant remembersSince(JobIdentity identity) {
        String epoch = namespace.bucket(namespace.keys(identity)).epoch();
        return epoch.isEmpty() ? null : Instant.EPOCH.plus(Long.parseLong(epoch), ChronoUnit.MICROS);
    }

    boolean isClosed() {
        return namespace.scripts().isClosed();
    }
}

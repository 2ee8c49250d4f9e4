package io.hapax.redis;

import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Gives a lease back on a majority of servers.
 *
 * <p>A server may carry out a completion after the timeout, or not at all. So each server that did not answer as the majority did is
 * informed of the outcome. If the completion counts, that server records it too. If it does not count, that server takes it back,
 * together with the lease; without the lease, a completion that arrives later leaves no marker.
 */
final class QuorumRelease {

    private final QuorumLeaseStore quorum;
    private final Lease lease;
    private final Ending ending;

    QuorumRelease(QuorumLeaseStore quorum, Lease lease, Ending ending) {
        this.quorum = quorum;
        this.lease = lease;
        this.ending = ending;
    }

    CompletableFuture<Boolean> start() {
        quorum.restorations().givesBack(lease);
        List<CompletableFuture<Boolean>> answers = quorum.each(server -> quorum.restorations()
                .after(server, lease, () -> quorum.send(server, one -> one.release(lease, ending))));
        CompletableFuture<Boolean> decided = Votes.decided(answers, this::decide);
        if (!ending.isOver() || lease.identity().runKey() == null) {
            return decided;
        }
        return decided.thenCompose(taken -> {
            if (taken) {
                spread(answers);
                return decided;
            }
            return takeBack(answers).thenApply(done -> false);
        });
    }

    private @Nullable Boolean decide(Votes<Boolean> votes) {
        int servers = quorum.servers().size();
        int released = votes.of(answer -> answer).size();
        int lost = votes.of(answer -> !answer).size();
        if (released >= quorum.majority()) {
            return true;
        }
        if (lost > servers - quorum.majority()) {
            return false;
        }
        if (votes.pending() > 0) {
            return null;
        }
        throw votes.trouble(
                "only " + released + " of " + servers + " servers have confirmed the release, a majority is needed");
    }

    /** Else the loss of one of a bare majority would be the loss of the completion. */
    private void spread(List<CompletableFuture<Boolean>> answers) {
        for (int n = 0; n < answers.size(); n++) {
            RedissonLeaseStore server = quorum.servers().get(n);
            var unused = answers.get(n).whenComplete((taken, failure) -> {
                if (failure != null || !taken) {
                    var ignored = quorum.untilHeard().tell(server, forHowLong(), one -> one.mark(lease, ending));
                }
            });
        }
    }

    /** Waits for servers that took the completion; one that did not answer is informed as well, but not waited for. */
    private CompletableFuture<Void> takeBack(List<CompletableFuture<Boolean>> answers) {
        List<CompletableFuture<?>> taken = new ArrayList<>();
        for (int n = 0; n < answers.size(); n++) {
            RedissonLeaseStore server = quorum.servers().get(n);
            CompletableFuture<Boolean> answer = answers.get(n);
            taken.add(answer.thenCompose(took -> took ? takeBack(server) : CompletableFuture.completedFuture(null))
                    .exceptionally(unreachable -> null));
            var unused = answer.whenComplete((took, failure) -> {
                if (failure != null) {
                    var ignored = takeBack(server);
                }
            });
        }
        return CompletableFuture.allOf(taken.toArray(CompletableFuture<?>[]::new));
    }

    private CompletableFuture<Void> takeBack(RedissonLeaseStore server) {
        return quorum.untilHeard().tell(server, forHowLong(), one -> one.unmark(lease, ending));
    }

    /** Then the lease has run out on every server, and a completion that comes later is refused. */
    private Duration forHowLong() {
        return lease.ttl().plus(quorum.answerTimeout());
    }
}

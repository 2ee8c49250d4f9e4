package io.hapax.redis;

import io.hapax.lease.AuditEntry;
import io.hapax.lease.HeldLease;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.LeaseOperations;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.ServerHealth;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BinaryOperator;
import java.util.function.Function;

/** What people ask of a quorum. Thread-safe. */
record QuorumOperations(QuorumLeaseStore quorum) implements LeaseOperations {

    /** Entries of one deed on several servers differ by the time that its calls took. */
    private static final Duration SAME_DEED = Duration.ofSeconds(10);

    @Override
    public CompletionStage<List<HeldLease>> leases(int atMost) {
        // Any bound would make the servers tell of different leases.
        return held(server -> server.leases(Integer.MAX_VALUE), atMost);
    }

    @Override
    public CompletionStage<Optional<HeldLease>> lease(String name, boolean onRunKey) {
        return held(
                        server -> server.lease(name, onRunKey)
                                .thenApply(lease -> lease.map(List::of).orElse(List.of())),
                        1)
                .thenApply(found -> found.stream().findFirst());
    }

    private CompletionStage<List<HeldLease>> held(
            Function<LeaseOperations, CompletionStage<List<HeldLease>>> question, int atMost) {
        return Votes.decided(
                quorum.ask(at(question)), votes -> votes.pending() > 0 ? null : heldByMajority(votes, atMost));
    }

    private List<HeldLease> heldByMajority(Votes<List<HeldLease>> votes, int atMost) {
        requireMajority(votes);
        record Grant(String name, boolean onRunKey, String owner) {}
        Map<Grant, List<HeldLease>> grants = new HashMap<>();
        for (List<HeldLease> leases : votes.all()) {
            for (HeldLease lease : leases) {
                Grant grant = new Grant(
                        lease.name(), lease.onRunKey(), lease.holder().owner().value());
                grants.computeIfAbsent(grant, first -> new ArrayList<>()).add(lease);
            }
        }
        return grants.values().stream()
                .filter(those -> those.size() >= quorum.majority())
                .map(those -> those.stream()
                        .reduce(BinaryOperator.minBy(Comparator.comparing(HeldLease::left)))
                        .orElseThrow())
                .limit(atMost)
                .toList();
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
        return quorum.takenAway(server -> server.people().forceRelease(lease, why));
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return Votes.decided(quorum.ask(at(server -> server.audit(atMost))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireMajority(votes);
            List<AuditEntry> merged = new ArrayList<>();
            votes.all().stream()
                    .flatMap(List::stream)
                    .sorted(Comparator.comparing(AuditEntry::at).reversed())
                    .filter(entry -> merged.stream().noneMatch(known -> isSameDeed(known, entry)))
                    .limit(atMost)
                    .forEach(merged::add);
            return List.copyOf(merged);
        });
    }

    private static boolean isSameDeed(AuditEntry known, AuditEntry entry) {
        return known.subject().equals(entry.subject())
                && known.why().equals(entry.why())
                && Duration.between(entry.at(), known.at()).compareTo(SAME_DEED) < 0;
    }

    @Override
    public CompletionStage<Boolean> post(String worker, String report, Duration lifetime) {
        return Votes.decided(quorum.ask(at(server -> server.post(worker, report, lifetime))), votes -> {
            if (votes.all().contains(true)) {
                return true;
            }
            if (votes.pending() > 0) {
                return null;
            }
            requireOne(votes);
            return false;
        });
    }

    /** Of each worker the report of the first server that has one; they are put up on all. */
    @Override
    public CompletionStage<Map<String, String>> reports(Duration readingFor) {
        return Votes.decided(quorum.ask(at(server -> server.reports(readingFor))), votes -> {
            if (votes.pending() > 0 && votes.all().size() < quorum.majority()) {
                return null;
            }
            requireOne(votes);
            Map<String, String> merged = new HashMap<>();
            votes.all().forEach(reports -> reports.forEach(merged::putIfAbsent));
            return merged;
        });
    }

    @Override
    public CompletionStage<List<ServerHealth>> servers() {
        List<CompletableFuture<List<ServerHealth>>> answers = quorum.ask(at(LeaseOperations::servers));
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
                .thenApply(all -> answers.stream()
                        .flatMap(answer -> answer.join().stream())
                        .toList());
    }

    private static <T> Function<RedissonLeaseStore, CompletionStage<T>> at(
            Function<LeaseOperations, CompletionStage<T>> question) {
        return server -> question.apply(server.people());
    }

    private void requireMajority(Votes<?> votes) {
        require(votes, quorum.majority(), "a majority is");
    }

    private void requireOne(Votes<?> votes) {
        require(votes, 1, "one is");
    }

    private static void require(Votes<?> votes, int count, String what) {
        if (votes.all().size() < count) {
            throw new LeaseStoreException(
                    "only " + votes.all().size() + " servers have answered, " + what + " needed" + votes.trouble());
        }
    }
}

package io.hapax.redis;

import io.hapax.lease.AuditEntry;
import io.hapax.lease.HeldLease;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LeaseOperations;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.OwnerId;
import io.hapax.lease.PastRun;
import io.hapax.lease.ServerHealth;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** What people ask of a quorum. Thread-safe. */
record QuorumOperations(QuorumLeaseStore quorum) implements LeaseOperations {

    /** Entries of one deed on several servers differ by the time that its calls took. */
    private static final Duration SAME_DEED = Duration.ofSeconds(10);

    /** Each server lists in an order of its own, so the first few of one need not be among the first few of another. */
    private static final int ALL_OF_A_SERVER = 100_000;

    @Override
    public CompletionStage<List<HeldLease>> leases(int atMost) {
        return held(server -> server.leases(atMost == 0 ? 0 : Math.max(atMost, ALL_OF_A_SERVER)), atMost);
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
        return quorum.patiently(() -> Votes.decided(
                quorum.ask(at(question)), votes -> votes.pending() > 0 ? null : heldByMajority(votes, atMost)));
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
                .map(QuorumOperations::oneOf)
                .limit(atMost)
                .toList();
    }

    /** Ends with the first of them; has the token that was written back, of which one server may not have heard. */
    private static HeldLease oneOf(List<HeldLease> those) {
        Holder settled = QuorumLeaseStore.mostFrequent(
                        those.stream().map(lease -> Optional.of(lease.holder())).toList())
                .orElseThrow();
        HeldLease first =
                those.stream().min(Comparator.comparing(HeldLease::left)).orElseThrow();
        return new HeldLease(first.name(), first.onRunKey(), settled, first.left(), first.awaited(), first.slot());
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
        return quorum.takenAway(server -> server.people().forceRelease(lease, why));
    }

    /** Where a majority has it, no majority grants the key. */
    @Override
    public CompletionStage<Void> pause(JobIdentity identity, Duration atMost, Intervention why) {
        DurationText.requireStorable("the length of a pause", atMost, 1);
        return Votes.decided(
                        quorum.ask(
                                at(server -> server.pause(identity, atMost, why).thenApply(paused -> true))),
                        votes -> {
                            if (votes.pending() > 0) {
                                return null;
                            }
                            requireMajority(votes);
                            return true;
                        })
                .thenApply(paused -> null);
    }

    @Override
    public CompletionStage<Boolean> resume(JobIdentity identity, Intervention why) {
        return Votes.decided(quorum.ask(at(server -> server.resume(identity, why))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireMajority(votes);
            return quorum.isOfMajority(votes.of(was -> was).size(), votes);
        });
    }

    @Override
    public CompletionStage<Optional<KeyPause>> paused(JobIdentity identity) {
        return quorum.patiently(() -> Votes.decided(quorum.ask(at(server -> server.paused(identity))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireMajority(votes);
            List<KeyPause> pauses =
                    votes.all().stream().flatMap(Optional::stream).toList();
            return quorum.isOfMajority(pauses.size(), votes)
                    ? pauses.stream().max(Comparator.comparing(KeyPause::since))
                    : Optional.empty();
        }));
    }

    /** Each as the server tells it that ended it last; a lost run's release has reached a minority only. */
    @Override
    public CompletionStage<List<PastRun>> history(String job, int atMost) {
        return quorum.patiently(() -> Votes.decided(
                quorum.ask(at(server -> server.history(job, Math.max(atMost, HISTORY_LENGTH)))), votes -> {
                    if (votes.pending() > 0) {
                        return null;
                    }
                    requireMajority(votes);
                    Map<OwnerId, List<PastRun>> runs = new LinkedHashMap<>();
                    votes.all().stream()
                            .flatMap(List::stream)
                            .forEach(run -> runs.computeIfAbsent(run.owner(), first -> new ArrayList<>())
                                    .add(run));
                    return runs.values().stream()
                            .filter(those -> quorum.isOfMajority(those.size(), votes))
                            .map(those -> Collections.max(those, Comparator.comparing(PastRun::ended)))
                            .sorted(Comparator.comparing(PastRun::ended).reversed())
                            .limit(atMost)
                            .toList();
                }));
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return quorum.patiently(() -> Votes.decided(quorum.ask(at(server -> server.audit(atMost))), votes -> {
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
        }));
    }

    private static boolean isSameDeed(AuditEntry known, AuditEntry entry) {
        return known.subject().equals(entry.subject())
                && known.action().equals(entry.action())
                && known.why().equals(entry.why())
                && Duration.between(entry.at(), known.at()).compareTo(SAME_DEED) < 0;
    }

    /** Put up on all before it is answered, so that whoever then reads finds the newest on most of them. */
    @Override
    public CompletionStage<Boolean> post(String worker, String report, Duration lifetime) {
        return Votes.decided(quorum.ask(at(server -> server.post(worker, report, lifetime))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireOne(votes);
            return votes.all().contains(true);
        });
    }

    /** Of each worker the report that most servers have; one that was away may have an older one. */
    @Override
    public CompletionStage<Map<String, String>> reports(Duration readingFor) {
        return quorum.patiently(() -> Votes.decided(quorum.ask(at(server -> server.reports(readingFor))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            requireOne(votes);
            Map<String, List<String>> all = new LinkedHashMap<>();
            votes.all()
                    .forEach(reports ->
                            reports.forEach((worker, report) -> all.computeIfAbsent(worker, first -> new ArrayList<>())
                                    .add(report)));
            Map<String, String> merged = new LinkedHashMap<>();
            all.forEach((worker, reports) -> merged.put(
                    worker,
                    Collections.max(
                            reports, Comparator.comparingInt(report -> Collections.frequency(reports, report)))));
            return merged;
        }));
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

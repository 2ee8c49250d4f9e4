package io.hapax.redis;

import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.OwnerId;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PastRun;
import io.hapax.ops.PausedKey;
import io.hapax.ops.ServerHealth;
import io.hapax.redis.RedissonAdmin.Deed;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What operators ask of a quorum. Thread-safe. */
record QuorumAdmin(QuorumLeaseStore quorum) implements LeaseAdmin {

    /** Entries of one deed on several servers differ by the time that its calls took. */
    private static final Duration SAME_DEED = Duration.ofSeconds(10);

    /** Each server lists in an order of its own, so the first few of one need not be among the first few of another. */
    private static final int ALL_OF_A_SERVER = 100_000;

    @Override
    public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
        return quorum.patiently(() -> Votes.decided(quorum.ask(at(server -> server.holder(identity))), this::holder));
    }

    /** The holder that a majority of servers names. */
    @SuppressWarnings("NullableOptional") // null asks for more votes
    private @Nullable Optional<Holder> holder(Votes<Optional<Holder>> votes) {
        Optional<Holder> top = QuorumLeaseStore.mostFrequent(votes.all());
        long most = top.map(holder -> QuorumLeaseStore.count(votes.all(), holder.owner()))
                .orElse(0L);
        if (most >= quorum.majority()) {
            return top;
        }
        if (votes.pending() == 0) {
            quorum.requireMajority(votes, "have answered");
        }
        boolean isNobody = votes.all().size() >= quorum.majority() && most + votes.pending() < quorum.majority();
        return isNobody ? Optional.empty() : null;
    }

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
            Function<LeaseAdmin, CompletionStage<List<HeldLease>>> question, int atMost) {
        return quorum.patiently(() -> Votes.decided(
                quorum.ask(at(question)), votes -> votes.pending() > 0 ? null : heldByMajority(votes, atMost)));
    }

    private List<HeldLease> heldByMajority(Votes<List<HeldLease>> votes, int atMost) {
        quorum.requireMajority(votes, "have answered");
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
                .map(QuorumAdmin::oneOf)
                .limit(atMost)
                .toList();
    }

    /** Ends when the first of them ends; has the token that was written back, which one server may not have received. */
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
        return takenAway(server -> server.forceRelease(lease, why));
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
        return takenAway(server -> server.forceRelease(identity, why));
    }

    private CompletionStage<Optional<Holder>> takenAway(
            Function<LeaseAdmin, CompletionStage<Optional<Holder>>> question) {
        return Votes.decided(quorum.ask(at(question)), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            if (votes.all().size() < quorum.majority()) {
                throw votes.trouble(
                        "the lease was taken away on " + votes.all().size() + " of "
                                + quorum.servers().size() + " servers only, a majority is needed",
                        "Try again");
            }
            // One that carries out a release late has nothing that anybody holds.
            return QuorumLeaseStore.mostFrequent(votes.all())
                    .filter(holder -> quorum.isOfMajority(QuorumLeaseStore.count(votes.all(), holder.owner()), votes));
        });
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
                            quorum.requireMajority(votes, "have answered");
                            return true;
                        })
                .thenApply(paused -> null);
    }

    @Override
    public CompletionStage<Boolean> resume(JobIdentity identity, Intervention why) {
        return wasAtMajority(server -> server.resume(identity, why));
    }

    @Override
    public CompletionStage<Boolean> resume(PausedKey key, Intervention why) {
        return wasAtMajority(server -> server.resume(key, why));
    }

    @Override
    public CompletionStage<Boolean> runAgain(JobIdentity identity, Intervention why) {
        return wasAtMajority(server -> server.runAgain(identity, why));
    }

    private CompletionStage<Boolean> wasAtMajority(Function<LeaseAdmin, CompletionStage<Boolean>> question) {
        return Votes.decided(quorum.ask(at(question)), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            quorum.requireMajority(votes, "have answered");
            return quorum.isOfMajority(votes.of(was -> was).size(), votes);
        });
    }

    @Override
    public CompletionStage<Optional<KeyPause>> paused(JobIdentity identity) {
        return quorum.patiently(() -> Votes.decided(quorum.ask(at(server -> server.paused(identity))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            quorum.requireMajority(votes, "have answered");
            List<KeyPause> pauses =
                    votes.all().stream().flatMap(Optional::stream).toList();
            return quorum.isOfMajority(pauses.size(), votes)
                    ? pauses.stream().max(Comparator.comparing(KeyPause::since))
                    : Optional.empty();
        }));
    }

    @Override
    public CompletionStage<List<PausedKey>> pauses(int atMost) {
        int ofEach = atMost == 0 ? 0 : Math.max(atMost, ALL_OF_A_SERVER);
        return quorum.patiently(() -> Votes.decided(quorum.ask(at(server -> server.pauses(ofEach))), votes -> {
            if (votes.pending() > 0) {
                return null;
            }
            quorum.requireMajority(votes, "have answered");
            record Name(String text, boolean onRunKey) {}
            Map<Name, List<PausedKey>> pauses = new LinkedHashMap<>();
            votes.all().stream()
                    .flatMap(List::stream)
                    .forEach(key -> pauses.computeIfAbsent(
                                    new Name(key.name(), key.onRunKey()), first -> new ArrayList<>())
                            .add(key));
            return pauses.values().stream()
                    .filter(those -> quorum.isOfMajority(those.size(), votes))
                    .flatMap(those -> those.stream()
                            .max(Comparator.comparing(key -> key.pause().since()))
                            .stream())
                    .limit(atMost)
                    .toList();
        }));
    }

    /** Each as the server tells it that ended it last, and no more than one server keeps; a lost run's release has reached a minority only. */
    @Override
    public CompletionStage<List<PastRun>> history(String job, int atMost) {
        return quorum.patiently(() -> Votes.decided(
                quorum.ask(at(server -> server.history(job, Math.max(atMost, HISTORY_LENGTH)))), votes -> {
                    if (votes.pending() > 0) {
                        return null;
                    }
                    quorum.requireMajority(votes, "have answered");
                    Map<OwnerId, List<PastRun>> runs = new LinkedHashMap<>();
                    votes.all().stream()
                            .flatMap(List::stream)
                            .forEach(run -> runs.computeIfAbsent(run.owner(), first -> new ArrayList<>())
                                    .add(run));
                    return runs.values().stream()
                            .filter(those -> quorum.isOfMajority(those.size(), votes))
                            .map(this::whenMajorityKnew)
                            .sorted(Comparator.comparing(PastRun::ended).reversed())
                            .limit(Math.min(atMost, HISTORY_LENGTH))
                            .toList();
                }));
    }

    /** A server that receives the end of a run late does not make it end later. */
    private PastRun whenMajorityKnew(List<PastRun> those) {
        those.sort(Comparator.comparing(PastRun::ended));
        return those.get(Math.min(quorum.majority(), those.size()) - 1);
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return quorum.patiently(() ->
                Votes.decided(quorum.ask(server -> server.administration().deeds(atMost)), votes -> {
                    if (votes.pending() > 0) {
                        return null;
                    }
                    quorum.requireMajority(votes, "have answered");
                    int silent = quorum.servers().size() - votes.all().size();
                    return withoutLeftovers(joined(votes.all()), silent).stream()
                            .limit(atMost)
                            .map(this::withMajoritysHolder)
                            .toList();
                }));
    }

    /** What each server has entered, the newest first, with what others have of the same deed; one server enters a deed once. */
    private static List<List<Deed>> joined(List<List<Deed>> servers) {
        record Entered(int server, Deed deed) {
            boolean isSameAs(Entered other) {
                return server != other.server && isSameDeed(deed.entry(), other.deed.entry());
            }
        }
        List<List<Entered>> all = new ArrayList<>();
        IntStream.range(0, servers.size())
                .boxed()
                .flatMap(server -> servers.get(server).stream().map(deed -> new Entered(server, deed)))
                .sorted(Comparator.comparing(
                                (Entered each) -> each.deed().entry().at())
                        .reversed())
                .forEach(each -> all.stream()
                        .filter(deed -> deed.stream().allMatch(each::isSameAs))
                        .findFirst()
                        .orElseGet(() -> {
                            List<Entered> deed = new ArrayList<>();
                            all.add(deed);
                            return deed;
                        })
                        .add(each));
        return all.stream()
                .map(deed -> deed.stream().map(Entered::deed).toList())
                .toList();
    }

    /** A deed of a few servers beside the same of a majority is what came to these too late, and was done there once more, as for a done marker. */
    private List<List<Deed>> withoutLeftovers(List<List<Deed>> deeds, int silent) {
        return deeds.stream()
                .filter(deed -> isOfMajority(deed, silent)
                        || deeds.stream()
                                .noneMatch(other -> other != deed
                                        && isOfMajority(other, silent)
                                        && isSameDeed(
                                                other.get(0).entry(),
                                                deed.get(0).entry())))
                .toList();
    }

    private boolean isOfMajority(List<Deed> deed, int silent) {
        return deed.size() + silent >= quorum.majority();
    }

    /** As {@link #takenAway} answers: who held it on a few servers only did not hold it. */
    private AuditEntry withMajoritysHolder(List<Deed> deed) {
        Map<String, List<Deed>> named = deed.stream()
                .filter(entered -> !entered.grant().isEmpty())
                .collect(Collectors.groupingBy(Deed::grant, LinkedHashMap::new, Collectors.toList()));
        int unknown = Math.max(0, quorum.servers().size() - deed.size());
        String holder = named.values().stream()
                .filter(those -> those.size() + unknown >= quorum.majority())
                .max(Comparator.comparingInt(List::size))
                .map(those -> those.get(0).entry().holder())
                .orElse("");
        AuditEntry newest = deed.get(0).entry();
        return new AuditEntry(newest.at(), newest.action(), newest.subject(), newest.why(), holder);
    }

    private static boolean isSameDeed(AuditEntry one, AuditEntry other) {
        return one.subject().equals(other.subject())
                && one.action().equals(other.action())
                && one.why().equals(other.why())
                && Duration.between(one.at(), other.at()).abs().compareTo(SAME_DEED) < 0;
    }

    @Override
    public CompletionStage<List<ServerHealth>> servers() {
        List<CompletableFuture<List<ServerHealth>>> answers = quorum.ask(at(LeaseAdmin::servers));
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
                .thenApply(all -> answers.stream()
                        .flatMap(answer -> answer.join().stream())
                        .toList());
    }

    private static <T> Function<RedissonLeaseStore, CompletionStage<T>> at(
            Function<LeaseAdmin, CompletionStage<T>> question) {
        return server -> question.apply(server.admin());
    }
}

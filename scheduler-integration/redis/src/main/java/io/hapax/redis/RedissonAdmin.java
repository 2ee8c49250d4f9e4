package io.hapax.redis;

import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PastRun;
import io.hapax.ops.PausedKey;
import io.hapax.ops.ServerHealth;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RScript.ReturnType;

/** What operators ask of one Redis, Sentinel or Cluster. Thread-safe. */
record RedissonAdmin(Namespace namespace, String server, Introduction introduction) implements LeaseAdmin {

    /** No owner is called so. */
    private static final String NOBODY = "|";

    private static final String ANYBODY = "";
    /** There may be workers that do not know pauses. */
    private static final int NOT_HEEDED = -1;

    @Override
    public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
        return look(namespace.keys(identity), isWhole(identity))
                .thenApply(list -> list.isEmpty()
                        ? Optional.empty()
                        : Optional.of(StoredLease.parse((String) list.get(0)).holder()));
    }

    private static boolean isWhole(JobIdentity identity) {
        return identity.lockKey() != null && identity.slot() == null;
    }

    private CompletableFuture<List<Object>> look(Keyspace.Keys keys, boolean alsoAtSlots) {
        return namespace
                .scripts()
                .call(
                        Script.LEASE,
                        ReturnType.LIST,
                        List.of(keys.meta(), keys.lease(), keys.waiter()),
                        alsoAtSlots ? "slots" : "");
    }

    private CompletableFuture<@Nullable String> value(Keyspace.Keys keys) {
        return namespace.scripts().call(Script.HOLDER, ReturnType.VALUE, List.of(keys.lease()));
    }

    @Override
    public CompletionStage<List<HeldLease>> leases(int atMost) {
        return introduction.fitForPeople().thenCompose(fit -> KeySearch.leases(namespace, atMost));
    }

    /**
     * A text is a key's first of all, and if nobody holds that key, the name under which another one is listed, or a key of which
     * slots are held.
     */
    @Override
    public CompletionStage<Optional<HeldLease>> lease(String name, boolean onRunKey) {
        List<Keyspace.Keys> all = namespace.keyspace().of(name, onRunKey);
        if (onRunKey || all.size() == 1) {
            return firstOf(all, keys -> lease(keys, !onRunKey));
        }
        return firstOf(all, keys -> lease(keys, false))
                .thenCompose(found -> found.isPresent()
                        ? CompletableFuture.completedFuture(found)
                        : firstOf(all, keys -> lease(keys, !keys.areOfSlot())));
    }

    /** Asks for one after another until one is there. */
    private static <T> CompletionStage<Optional<T>> firstOf(
            List<Keyspace.Keys> all, Function<Keyspace.Keys, CompletionStage<Optional<T>>> question) {
        CompletionStage<Optional<T>> first = question.apply(all.get(0));
        return all.size() == 1
                ? first
                : first.thenCompose(found -> found.isPresent()
                        ? CompletableFuture.completedFuture(found)
                        : firstOf(all.subList(1, all.size()), question));
    }

    private CompletionStage<Optional<HeldLease>> lease(Keyspace.Keys keys, boolean alsoAtSlots) {
        return introduction
                .fitForPeople()
                .thenCompose(fit -> look(keys, alsoAtSlots))
                .thenApply(list -> list.isEmpty()
                        ? Optional.empty()
                        : Optional.ofNullable(KeySearch.held(
                                namespace, (String) list.get(3), (String) list.get(0), list.get(1), list.get(2))));
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
        String subject = (lease.onRunKey() ? "run " : "lock ") + lease.name();
        String owner = lease.holder().owner().value();
        return introduction
                .fitForPeople()
                .thenCompose(
                        fit -> firstOf(namespace.keyspace().of(lease), keys -> takeAway(keys, owner, why, subject)));
    }

    /** Names the current holder, so that a command that is carried out late does not release the lease of another one. */
    @Override
    public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
        String subject = (identity.lockKey() == null ? "run " : "lock ") + identity.leaseName();
        Keyspace.Keys keys = namespace.keys(identity);
        return introduction
                .fitForPeople()
                .thenCompose(fit -> value(keys))
                .thenCompose(held -> takeAway(keys, held == null ? NOBODY : ownerOf(held), why, subject));
    }

    private static String ownerOf(String value) {
        return StoredLease.isOne(value) ? StoredLease.parse(value).owner().value() : ANYBODY;
    }

    private CompletableFuture<Optional<Holder>> takeAway(
            Keyspace.Keys keys, String owner, Intervention why, String subject) {
        Bucket bucket = namespace.bucket(keys);
        CompletableFuture<@Nullable String> answer = namespace
                .scripts()
                .call(
                        Script.FORCE_RELEASE,
                        ReturnType.VALUE,
                        List.of(
                                keys.lease(),
                                keys.waiter(),
                                keys.meta(),
                                namespace.keyspace().audit(keys.bucket())),
                        namespace.keyspace().channel(),
                        bucket.epoch(),
                        namespace.quarantine().whenNew(),
                        namespace.quarantine().whenLost(),
                        bucket.highestToken(),
                        owner,
                        String.join(
                                "|",
                                StoredLease.fit(subject),
                                StoredLease.fit(why.actor()),
                                StoredLease.fit(why.reason(), Integer.MAX_VALUE)),
                        Integer.toString(AUDIT_LENGTH));
        return answer.thenApply(value -> Optional.ofNullable(value).map(StoredLease::holderOf));
    }

    @Override
    public CompletionStage<Void> pause(JobIdentity identity, Duration atMost, Intervention why) {
        DurationText.requireStorable("the length of a pause", atMost, 1);
        return setPause(namespace.keyspace().of(identity), subject(identity), Long.toString(atMost.toMillis()), why)
                .thenAccept(code -> {
                    if (code == NOT_HEEDED) {
                        throw new LeaseStoreException(
                                "namespace " + namespace.keyspace().namespace()
                                        + " is kept in format 1 for workers of the version before, which do not know pauses. Upgrade them, then"
                                        + " start one worker with replaceSettings(true) (Spring Boot: hapax.redis.replace-settings=true)");
                    }
                });
    }

    @Override
    public CompletionStage<Boolean> resume(JobIdentity identity, Intervention why) {
        return resume(namespace.keyspace().of(identity), subject(identity), why);
    }

    @Override
    public CompletionStage<Boolean> resume(PausedKey key, Intervention why) {
        return resume(namespace.keyspace().of(key), (key.onRunKey() ? "run " : "lock ") + key.name(), why);
    }

    private CompletionStage<Boolean> resume(Keyspace.Keys keys, String subject, Intervention why) {
        return setPause(keys, subject, "", why).thenApply(code -> code == 1);
    }

    private static String subject(JobIdentity identity) {
        return identity.lockKey() == null ? "run " + identity.leaseName() : "lock " + identity.lockKey();
    }

    private CompletableFuture<Long> setPause(Keyspace.Keys keys, String subject, String millis, Intervention why) {
        return introduction
                .fitForPeople()
                .thenCompose(fit -> namespace
                        .scripts()
                        .call(
                                Script.PAUSE,
                                ReturnType.LONG,
                                List.of(keys.pause(), namespace.keyspace().audit(keys.bucket()), keys.meta()),
                                millis,
                                StoredPause.text(why),
                                StoredLease.fit(subject) + "|" + StoredPause.text(why),
                                Integer.toString(AUDIT_LENGTH)));
    }

    /** Names the marker that is there now, as what is carried out late must not forget a later completion. */
    @Override
    public CompletionStage<Boolean> runAgain(JobIdentity identity, Intervention why) {
        if (identity.runKey() == null) {
            throw new IllegalArgumentException("only what has a run key can be over: " + identity);
        }
        String what = StoredLease.fit("run " + identity.runKey()) + "|" + StoredPause.text(why);
        Keyspace.Keys keys = namespace.keys(identity);
        // Where several may hold the lock key, the run key has a lease of its own.
        Keyspace.Keys alone = namespace.keys(new JobIdentity(null, identity.runKey()));
        CompletableFuture<Boolean> forgotten = introduction
                .fitForPeople()
                .thenCompose(fit -> forget(keys, what))
                .toCompletableFuture();
        return alone.done().equals(keys.done())
                ? forgotten
                : forgotten.thenCombine(forgotten.thenCompose(there -> forget(alone, what)), Boolean::logicalOr);
    }

    private CompletableFuture<Boolean> forget(Keyspace.Keys keys, String what) {
        return marker(keys)
                .thenCompose(seen -> seen == null ? CompletableFuture.completedFuture(0L) : forget(keys, seen, what))
                .thenApply(code -> code == 1);
    }

    private CompletableFuture<@Nullable String> marker(Keyspace.Keys keys) {
        return namespace.scripts().call(Script.HOLDER, ReturnType.VALUE, List.of(keys.done()));
    }

    private CompletableFuture<Long> forget(Keyspace.Keys keys, String seen, String what) {
        return namespace
                .scripts()
                .call(
                        Script.RUN_AGAIN,
                        ReturnType.LONG,
                        List.of(keys.done(), namespace.keyspace().audit(keys.bucket())),
                        seen,
                        what,
                        Integer.toString(AUDIT_LENGTH));
    }

    @Override
    public CompletionStage<Optional<KeyPause>> paused(JobIdentity identity) {
        CompletableFuture<List<Object>> answer = introduction
                .fitForPeople()
                .thenCompose(fit -> namespace
                        .scripts()
                        .call(
                                Script.PAUSED,
                                ReturnType.LIST,
                                List.of(namespace.keyspace().of(identity).pause())));
        return answer.thenApply(list -> list.isEmpty()
                ? Optional.empty()
                : Optional.of(StoredPause.parse(
                        (String) list.get(0), Duration.ofMillis(((Number) list.get(1)).longValue()))));
    }

    @Override
    public CompletionStage<List<PausedKey>> pauses(int atMost) {
        return introduction.fitForPeople().thenCompose(fit -> KeySearch.pauses(namespace, atMost));
    }

    @Override
    public CompletionStage<List<PastRun>> history(String job, int atMost) {
        Keyspace keyspace = namespace.keyspace();
        return introduction
                .fitForPeople()
                .thenCompose(fit -> newest(bucket -> keyspace.history(bucket, job), atMost))
                .thenApply(lines -> lines.stream()
                        .flatMap(line -> StoredRun.parse(line).stream())
                        .sorted(Comparator.comparing(PastRun::ended).reversed())
                        .limit(atMost)
                        .toList());
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return deeds(atMost).thenApply(deeds -> deeds.stream().map(Deed::entry).toList());
    }

    /**
     * An entry of the audit.
     *
     * @param entry what operators are shown
     * @param grant names whose lease it was, also where the servers of a quorum describe it differently; empty if nobody's
     */
    record Deed(AuditEntry entry, String grant) {}

    /** The newest come first. */
    CompletionStage<List<Deed>> deeds(int atMost) {
        return introduction
                .fitForPeople()
                .thenCompose(fit -> newest(namespace.keyspace()::audit, atMost))
                .thenApply(lines -> lines.stream()
                        .flatMap(line -> deed(line).stream())
                        .sorted(Comparator.comparing((Deed deed) -> deed.entry().at())
                                .reversed())
                        .limit(atMost)
                        .toList());
    }

    /** The newest entries of a list that each bucket has. */
    private CompletableFuture<List<String>> newest(IntFunction<String> listOf, int atMost) {
        List<CompletableFuture<List<Object>>> answers = new ArrayList<>();
        for (int bucket = 0; bucket < namespace.buckets().size(); bucket++) {
            answers.add(namespace
                    .scripts()
                    .call(Script.AUDIT, ReturnType.LIST, List.of(listOf.apply(bucket)), Integer.toString(atMost)));
        }
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
                .thenApply(all -> answers.stream()
                        .flatMap(answer -> answer.join().stream())
                        .map(String.class::cast)
                        .toList());
    }

    /**
     * {@code micros|subject|actor|reason|value of the lease}, which may be an action with an exclamation mark instead; what is
     * nothing of that kind is left out.
     */
    private static Optional<Deed> deed(String text) {
        String[] parts = text.split("\\|", 5);
        if (parts.length < 5 || !parts[0].matches("\\d{1,16}")) {
            return Optional.empty();
        }
        boolean isAction = parts[4].startsWith("!");
        String value = isAction ? "" : parts[4];
        boolean isLease = StoredLease.isOne(value);
        AuditEntry entry = new AuditEntry(
                Instant.EPOCH.plus(Long.parseLong(parts[0]), ChronoUnit.MICROS),
                isAction ? parts[4].substring(1) : AuditEntry.FORCE_RELEASE,
                parts[1],
                Intervention.stored(parts[2], parts[3]),
                isLease ? StoredLease.parse(value).holder().toString() : StoredLease.fit(value));
        return Optional.of(new Deed(entry, isLease ? ownerOf(value) : entry.holder()));
    }

    @Override
    public CompletionStage<List<ServerHealth>> servers() {
        long asked = System.nanoTime();
        return ServerState.of(namespace, 0)
                .thenApply(state -> new ServerHealth(
                        server,
                        state.quarantineLeft().isZero(),
                        Duration.ofNanos(System.nanoTime() - asked),
                        state.toString()))
                .exceptionally(failure -> new ServerHealth(
                        server,
                        false,
                        Duration.ZERO,
                        String.valueOf(RedisTrouble.unwrapped(failure).getMessage())))
                .thenApply(List::of);
    }
}

package io.hapax.test;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.Renewal;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunState;
import io.hapax.ops.AuditEntry;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the clients of one {@link InMemoryRunLedger} share. Not thread-safe: the ledger holds its lock. */
final class RunMemory {

    private static final Instant EPOCH = Instant.parse("2026-01-01T00:00:00Z");

    private final Ticker ticker;
    private final NanoTime start;
    private final Map<Occurrence, Row> rows = new LinkedHashMap<>();
    private final List<AuditEntry> audit = new ArrayList<>();
    /** The last one of each lock key. */
    private final Map<LockKey, Long> lastTokens = new HashMap<>();

    private @Nullable String fingerprint;

    RunMemory(Ticker ticker) {
        this.ticker = ticker;
        this.start = ticker.now();
    }

    /** What a row is about: a run key, or the lock key, or slot of it, of runs that may repeat. */
    private record Occurrence(
            @Nullable RunKey run,
            @Nullable LockKey repeating,
            @Nullable Integer slot) {
        static Occurrence of(JobIdentity identity) {
            return identity.runKey() != null
                    ? new Occurrence(identity.runKey(), null, null)
                    : new Occurrence(
                            null,
                            identity.lockKey(),
                            identity.slot() == null ? 1 : identity.slot().number());
        }
    }

    private static final class Row {
        private ClaimRequest request;
        private RunState state = RunState.RUNNING;
        private FencingToken token;
        private int attempt;
        private Instant since;
        private NanoTime deadline;
        private @Nullable Instant began;
        private @Nullable Instant renewed;
        private @Nullable Instant finished;

        Row(ClaimRequest request, FencingToken token, int attempt, Instant since, NanoTime deadline) {
            this.request = request;
            this.token = token;
            this.attempt = attempt;
            this.since = since;
            this.deadline = deadline;
        }

        boolean belongsTo(Lease claim) {
            return request.owner().equals(claim.owner()) && token.equals(claim.token());
        }

        Holder holder() {
            String run = request.identity().run().map(RunKey::value).orElse("");
            return new Holder(request.owner(), token, request.worker(), run, finished == null ? since : finished);
        }

        Claim claimed() {
            return new Claim.Claimed(
                    new Lease(request.identity(), request.owner(), token, request.worker(), request.ttl(), since),
                    attempt);
        }
    }

    Claim claim(ClaimRequest request) {
        Row row = rows.get(Occurrence.of(request.identity()));
        if (row != null && row.request.owner().equals(request.owner())) {
            return row.state == RunState.RUNNING ? row.claimed() : ended(row);
        }
        if (row != null) {
            breakOff(row);
            if (row.state == RunState.ABANDONED || row.state == RunState.RUNNING || isOver(row)) {
                return ended(row);
            }
        }
        Row other = holderOfLock(request.identity());
        if (other != null) {
            return held(other, false);
        }
        return take(request, row == null ? 1 : row.attempt + 1);
    }

    private static boolean isOver(Row row) {
        return row.state == RunState.FAILED_FOR_GOOD
                || (row.state == RunState.DONE && row.request.identity().runKey() != null);
    }

    private Claim ended(Row row) {
        return switch (row.state) {
            case DONE -> new Claim.Done(row.holder(), OccurrenceOutcome.DONE);
            case FAILED_FOR_GOOD -> new Claim.Done(row.holder(), OccurrenceOutcome.FAILED);
            case ABANDONED -> new Claim.Abandoned(row.holder());
            default -> held(row, row.request.identity().runKey() != null);
        };
    }

    private Claim held(Row row, boolean sameRun) {
        Duration left = row.deadline.since(ticker.now());
        return new Claim.Held(row.holder(), sameRun, left.isNegative() ? Duration.ZERO : left);
    }

    private Claim take(ClaimRequest request, int attempt) {
        Row row = new Row(request, draw(request), attempt, now(), ticker.now().plus(request.ttl()));
        rows.put(Occurrence.of(request.identity()), row);
        return row.claimed();
    }

    /** That of the lease, else the clock's; above every one before, also of the occurrence under another lock key. */
    private FencingToken draw(ClaimRequest request) {
        Row before = rows.get(Occurrence.of(request.identity()));
        long last = before == null ? 0 : before.token.value();
        LockKey lock = request.identity().lockKey();
        if (lock != null) {
            last = Math.max(last, lastTokens.getOrDefault(lock, 0L));
        }
        long wanted = request.seen() != null ? request.seen().value() : ChronoUnit.MICROS.between(Instant.EPOCH, now());
        FencingToken token = new FencingToken(Math.max(wanted, last + 1));
        if (lock != null) {
            lastTokens.put(lock, token.value());
        }
        return token;
    }

    private @Nullable Row holderOfLock(JobIdentity identity) {
        if (identity.lockKey() == null) {
            return null;
        }
        Slot wanted = slotOf(identity);
        for (Row row : rows.values()) {
            JobIdentity held = row.request.identity();
            if (identity.lockKey().equals(held.lockKey()) && !wanted.goesWith(slotOf(held))) {
                breakOff(row);
                if (row.state == RunState.RUNNING) {
                    return row;
                }
            }
        }
        return null;
    }

    private static Slot slotOf(JobIdentity identity) {
        return Objects.requireNonNullElse(identity.slot(), Slot.WHOLE);
    }

    /** A run past its deadline is given up only when somebody else wants its place. */
    private void breakOff(Row row) {
        if (row.state == RunState.RUNNING && !ticker.now().isBefore(row.deadline)) {
            boolean abandoned = row.request.afterCrash() == AfterCrash.ABANDON && row.began != null;
            row.state = abandoned ? RunState.ABANDONED : RunState.LOST;
            row.finished = now();
        }
    }

    Completion begin(Lease claim) {
        Row row = rows.get(Occurrence.of(claim.identity()));
        if (row == null || !row.belongsTo(claim) || row.state != RunState.RUNNING) {
            return Completion.SUPERSEDED;
        }
        if (row.began == null) {
            if (!ticker.now().isBefore(row.deadline)) {
                return Completion.SUPERSEDED;
            }
            row.began = now();
        }
        return Completion.NOTED;
    }

    Renewal renew(Lease claim) {
        Row row = rows.get(Occurrence.of(claim.identity()));
        if (row == null || !row.belongsTo(claim) || row.state != RunState.RUNNING) {
            Row other = row != null && row.state == RunState.RUNNING ? row : holderOfLock(claim.identity());
            return new Renewal.Gone(other == null ? null : other.holder());
        }
        row.deadline = ticker.now().plus(claim.ttl());
        row.renewed = now();
        return new Renewal.Renewed(false);
    }

    Completion end(Lease claim, RunState state) {
        Row row = rows.get(Occurrence.of(claim.identity()));
        if (row == null || !row.belongsTo(claim)) {
            return Completion.SUPERSEDED;
        }
        if (row.state == RunState.RUNNING || (row.state == RunState.ABANDONED && state == RunState.RELEASED)) {
            row.state = state;
            row.finished = now();
        }
        return row.state == state ? Completion.NOTED : Completion.SUPERSEDED;
    }

    /** A transaction that is repeated after its commit must not write its effects again. */
    Completion completeOnce(Lease claim) {
        Row row = rows.get(Occurrence.of(claim.identity()));
        boolean done = row != null && row.belongsTo(claim) && row.state == RunState.DONE;
        return done ? Completion.SUPERSEDED : end(claim, RunState.DONE);
    }

    boolean withdraw(ClaimRequest request) {
        Row row = rows.get(Occurrence.of(request.identity()));
        if (row == null || !row.request.owner().equals(request.owner()) || row.state != RunState.RUNNING) {
            return false;
        }
        row.state = RunState.RELEASED;
        row.finished = now();
        return true;
    }

    Optional<LedgerEntry> entry(JobIdentity identity) {
        return Optional.ofNullable(rows.get(Occurrence.of(identity))).map(this::shown);
    }

    private LedgerEntry shown(Row row) {
        return new LedgerEntry(
                row.request.identity(),
                row.state,
                row.request.owner(),
                row.token,
                row.attempt,
                row.request.worker(),
                row.request.afterCrash(),
                row.since,
                row.began,
                row.renewed,
                now().plus(row.deadline.since(ticker.now())),
                row.finished);
    }

    List<LedgerEntry> entries(LedgerQuery query) {
        List<LedgerEntry> found = new ArrayList<>();
        for (Row row : rows.values()) {
            JobIdentity identity = row.request.identity();
            boolean named = Stream.of(
                            identity.run().map(RunKey::value), identity.lock().map(lock -> identity.leaseName()))
                    .anyMatch(key ->
                            key.filter(text -> text.contains(query.text())).isPresent());
            boolean isOld = !row.since.isAfter(now().minus(query.olderThan()));
            if (query.states().contains(row.state) && named && isOld) {
                found.add(0, shown(row));
            }
        }
        found.sort(Comparator.comparing(LedgerEntry::started).reversed());
        return found.stream().limit(query.atMost()).toList();
    }

    List<AuditEntry> audit() {
        return List.copyOf(audit);
    }

    boolean resolve(JobIdentity identity, @Nullable FencingToken seen, RunState state, Intervention why) {
        Row row = rows.get(Occurrence.of(identity));
        if (row == null || row.state != RunState.ABANDONED || (seen != null && !seen.equals(row.token))) {
            return false;
        }
        noteAudit("RESOLVE_" + state, row, why);
        row.state = state;
        return true;
    }

    boolean runAgain(JobIdentity identity, @Nullable FencingToken seen, Intervention why) {
        Row row = rows.get(Occurrence.of(identity));
        if (row == null || !isOver(row) || (seen != null && !seen.equals(row.token))) {
            return false;
        }
        noteAudit(AuditEntry.RUN_AGAIN, row, why);
        row.state = RunState.RELEASED;
        return true;
    }

    private void noteAudit(String action, Row row, Intervention why) {
        audit.add(
                0,
                new AuditEntry(
                        now(),
                        action,
                        row.request.identity().toString(),
                        why,
                        row.holder().toString()));
    }

    String agree(String settings) {
        if (fingerprint == null) {
            fingerprint = settings;
        }
        return fingerprint;
    }

    private Instant now() {
        return EPOCH.plus(ticker.now().since(start));
    }
}

package io.hapax.test;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.RunKey;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PastRun;
import io.hapax.ops.PausedKey;
import io.hapax.test.LeaseTable.Grant;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the clients of one {@link InMemoryLeaseStore} share. Not thread-safe: the store holds its lock. */
final class LeaseMemory {

    private static final Instant EPOCH = Instant.parse("2026-01-01T00:00:00Z");
    /** How long a release is remembered at least, so that it can be repeated. */
    private static final Duration DEPARTURE_RETENTION = Duration.ofMinutes(1);

    private final Ticker ticker;
    private final NanoTime start;
    private final LeaseTable grants;
    private final Map<RunKey, Marker> done = new HashMap<>();
    private final List<AuditEntry> audit = new ArrayList<>();
    private final Map<LeaseKey, Paused> pauses = new HashMap<>();
    private final Map<String, List<PastRun>> history = new HashMap<>();
    private final BoardMemory board;
    /** Of the guards; null before the first one. */
    private @Nullable String settings;

    private final Map<OwnerId, Departure> departures = new HashMap<>();
    /** Survives the loss of everything else, as a server's clock does. */
    private long lastToken;

    private NanoTime quarantineEnd;

    LeaseMemory(Ticker ticker, LimitRule rule) {
        this.ticker = ticker;
        this.grants = new LeaseTable(ticker, rule);
        this.start = ticker.now();
        this.quarantineEnd = start;
        this.board = new BoardMemory(ticker);
    }

    Acquisition acquire(LeaseRequest request) {
        JobIdentity identity = request.identity();
        Marker marker = marker(identity.runKey());
        if (marker != null) {
            return new Acquisition.Done(marker.by, marker.outcome);
        }
        Grant grant = isHeldBy(request.owner(), identity) ? live(identity) : null;
        Grant inTheWay = grant == null ? grants.inTheWay(identity) : null;
        if (inTheWay != null) {
            return held(request, inTheWay);
        }
        Duration quarantine = quarantineLeft();
        if (grant == null && !quarantine.isZero()) {
            return new Acquisition.Quarantined(quarantine, "the test has put the store in quarantine");
        }
        KeyPause pause = grant == null ? paused(identity).orElse(null) : null;
        if (pause != null) {
            return new Acquisition.Paused(pause);
        }
        return new Acquisition.Granted(grant == null ? grant(request) : grantAgain(grant.lease(), request));
    }

    private Acquisition.Held held(LeaseRequest request, Grant grant) {
        JobIdentity identity = request.identity();
        Optional<RunKey> run = identity.run();
        boolean sameRun = run.isPresent() && run.equals(grant.lease().identity().run());
        Duration left = grant.end().since(ticker.now());
        boolean aboutSlots = identity.slot() != null || grant.lease().identity().slot() != null;
        if (request.waiting()) {
            grants.waits(identity, left);
        }
        return aboutSlots
                ? new Acquisition.Held(
                        grant.holder(),
                        sameRun,
                        left,
                        grant.slot(),
                        grants.nextSlot(identity),
                        grants.awaited(identity))
                : new Acquisition.Held(grant.holder(), sameRun, left);
    }

    Renewal renew(Lease lease) {
        Grant grant = live(lease.identity());
        if (grant != null && grant.is(lease)) {
            put(lease, true);
            return new Renewal.Renewed(false);
        }
        List<Grant> rivals = grants.rivals(lease.identity());
        Grant later = rivals.stream()
                .filter(rival -> rival.lease().token().compareTo(lease.token()) > 0)
                .findFirst()
                .orElse(grant);
        if (mayReassert(lease, later)) {
            rivals.forEach(earlier -> grants.remove(earlier.lease().identity()));
            put(lease, true);
            return new Renewal.Renewed(true);
        }
        return new Renewal.Gone(later == null ? null : later.holder());
    }

    /** Returns whether the owner held the lease; if it did, the caller wakes the waiters. */
    boolean release(Lease lease, Ending ending) {
        Departure departure = departures.get(lease.owner());
        if (departure != null && ticker.now().isBefore(departure.forgottenAt)) {
            return departure.repeatedBy(lease, ending);
        }
        if (ending.isDone() && isMarkedBy(lease)) {
            return true;
        }
        Grant grant = live(lease.identity());
        boolean held = grant != null && grant.is(lease);
        if (!held && !mayReassert(lease, grant)) {
            return false;
        }
        if (held) {
            grants.remove(lease.identity());
        }
        depart(lease, ending);
        note(lease, ending);
        RunKey run = lease.identity().runKey();
        OccurrenceOutcome outcome = ending.outcome();
        if (run != null && outcome != null && !ending.again()) {
            Holder by = new Holder(lease.owner(), lease.token(), lease.worker(), run.value(), instant());
            done.put(run, new Marker(by, outcome, ticker.now().plus(ending.retention())));
        }
        return true;
    }

    boolean withdraw(LeaseRequest request) {
        Grant grant = live(request.identity());
        boolean granted = grant != null && grant.lease().owner().equals(request.owner());
        if (granted) {
            grants.remove(request.identity());
        }
        return granted;
    }

    private void note(Lease lease, Ending ending) {
        String job = ending.job();
        if (job == null) {
            return;
        }
        List<PastRun> runs = history.computeIfAbsent(job, first -> new ArrayList<>());
        String run = lease.identity().run().map(RunKey::value).orElse("");
        runs.add(
                0,
                new PastRun(
                        lease.owner(), lease.token(), lease.worker(), run, lease.since(), instant(), ending.outcome()));
        if (runs.size() > LeaseAdmin.HISTORY_LENGTH) {
            runs.remove(runs.size() - 1);
        }
    }

    List<PastRun> history(String job) {
        return List.copyOf(history.getOrDefault(job, List.of()));
    }

    boolean pause(JobIdentity identity, Duration atMost, Intervention why) {
        noteAudit(AuditEntry.PAUSE, identity, why);
        pauses.put(
                LeaseKey.ofFamily(identity),
                new Paused(why, instant(), ticker.now().plus(atMost)));
        return true;
    }

    boolean resume(JobIdentity identity, Intervention why) {
        boolean wasPaused = paused(identity).isPresent();
        pauses.remove(LeaseKey.ofFamily(identity));
        if (wasPaused) {
            noteAudit(AuditEntry.RESUME, identity, why);
        }
        return wasPaused;
    }

    boolean runAgain(JobIdentity identity, Intervention why) {
        Marker marker = marker(identity.runKey());
        if (marker == null) {
            return false;
        }
        done.remove(identity.runKey());
        audit.add(0, new AuditEntry(instant(), AuditEntry.RUN_AGAIN, "run " + identity.runKey(), why, ""));
        return true;
    }

    private void noteAudit(String action, JobIdentity identity, Intervention why) {
        String subject = identity.lockKey() == null ? "run " + identity.leaseName() : "lock " + identity.lockKey();
        audit.add(0, new AuditEntry(instant(), action, subject, why, ""));
    }

    Optional<KeyPause> paused(JobIdentity identity) {
        return pause(LeaseKey.ofFamily(identity));
    }

    private Optional<KeyPause> pause(LeaseKey key) {
        return Optional.ofNullable(pauses.get(key))
                .filter(pause -> ticker.now().isBefore(pause.end))
                .map(pause -> new KeyPause(pause.why, pause.since, pause.end.since(ticker.now())));
    }

    List<PausedKey> pauses() {
        return pauses.keySet().stream()
                .flatMap(key -> pause(key).map(pause -> new PausedKey(key.text(), !key.lock(), pause)).stream())
                .toList();
    }

    Optional<Holder> holder(JobIdentity identity) {
        return Optional.ofNullable(grants.shown(identity)).map(Grant::holder);
    }

    boolean isHeldBy(OwnerId owner, JobIdentity identity) {
        Grant grant = live(identity);
        return grant != null && grant.lease().owner().equals(owner);
    }

    /** Every lease that lives. */
    List<HeldLease> leases() {
        List<HeldLease> held = new ArrayList<>();
        for (Grant grant : grants.all()) {
            JobIdentity identity = grant.lease().identity();
            held.add(new HeldLease(
                    identity.leaseName(),
                    identity.lockKey() == null,
                    grant.holder(),
                    grant.end().since(ticker.now()),
                    false,
                    identity.slot()));
        }
        return held;
    }

    /** Returns what holds: what the first guard has said. */
    String agree(String those) {
        if (settings == null) {
            settings = those;
        }
        return settings;
    }

    List<AuditEntry> audit() {
        return List.copyOf(audit);
    }

    Optional<Holder> forceRelease(JobIdentity identity, Intervention why) {
        Optional<Grant> grant = Optional.ofNullable(live(identity));
        audit.add(
                0,
                new AuditEntry(
                        instant(),
                        AuditEntry.FORCE_RELEASE,
                        (identity.lockKey() == null ? "run " : "lock ") + identity.leaseName(),
                        why,
                        grant.map(held -> held.holder().toString()).orElse("")));
        grant.ifPresent(forced -> {
            grants.remove(identity);
            Lease taken = forced.lease();
            departures.put(taken.owner(), new Departure(taken.token(), null, departureEnd(taken)));
        });
        return grant.map(Grant::holder);
    }

    BoardMemory board() {
        return board;
    }

    void forgetEverything() {
        audit.clear();
        board.forgetEverything();
        history.clear();
        pauses.clear();
        grants.clear();
        done.clear();
        departures.clear();
    }

    void quarantine(Duration duration) {
        quarantineEnd = ticker.now().plus(duration);
    }

    private Lease grant(LeaseRequest request) {
        lastToken = Math.max(lastToken + 1, ChronoUnit.MICROS.between(Instant.EPOCH, instant()));
        departures.remove(request.owner());
        Lease lease = new Lease(
                request.identity(),
                request.owner(),
                new FencingToken(lastToken),
                request.worker(),
                request.ttl(),
                instant());
        put(lease, false);
        return lease;
    }

    /** The asker counts its validity from this request, so the lease has to live for a whole ttl from now. */
    private Lease grantAgain(Lease lease, LeaseRequest request) {
        Lease again =
                new Lease(lease.identity(), lease.owner(), lease.token(), lease.worker(), request.ttl(), lease.since());
        put(again, false);
        return again;
    }

    private void put(Lease lease, boolean renewed) {
        lastToken = Math.max(lastToken, lease.token().value());
        grants.put(lease, renewed);
    }

    private boolean mayReassert(Lease lease, @Nullable Grant present) {
        return !quarantineLeft().isZero()
                && !departures.containsKey(lease.owner())
                && (present == null || present.lease().token().compareTo(lease.token()) < 0);
    }

    private void depart(Lease lease, Ending ending) {
        departures.values().removeIf(old -> !ticker.now().isBefore(old.forgottenAt));
        departures.put(lease.owner(), new Departure(lease.token(), ending, departureEnd(lease)));
    }

    private NanoTime departureEnd(Lease lease) {
        return ticker.now().plus(lease.ttl()).plus(DEPARTURE_RETENTION);
    }

    private @Nullable Grant live(JobIdentity identity) {
        return grants.live(identity);
    }

    private @Nullable Marker marker(@Nullable RunKey run) {
        Marker marker = run == null ? null : done.get(run);
        if (marker != null && !ticker.now().isBefore(marker.end)) {
            done.remove(run);
            return null;
        }
        return marker;
    }

    private boolean isMarkedBy(Lease lease) {
        Marker marker = marker(lease.identity().runKey());
        return marker != null
                && marker.by.owner().equals(lease.owner())
                && marker.by.token().equals(lease.token());
    }

    Duration quarantineLeft() {
        Duration left = quarantineEnd.since(ticker.now());
        return left.isNegative() ? Duration.ZERO : left;
    }

    private Instant instant() {
        return EPOCH.plus(ticker.now().since(start));
    }

    private record Marker(Holder by, OccurrenceOutcome outcome, NanoTime end) {}

    private record Paused(Intervention why, Instant since, NanoTime end) {}

    /** How an owner gave its lease back; null if it was taken away. */
    private record Departure(FencingToken token, @Nullable Ending ending, NanoTime forgottenAt) {
        boolean repeatedBy(Lease lease, Ending again) {
            return token.equals(lease.token()) && ending != null && ending.outcome() == again.outcome();
        }
    }
}

package io.hapax.test;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The leases of one memory: those of a lock key and its slots are one family, of which not all may be held at once. Not
 * thread-safe.
 */
final class LeaseTable {

    /** How long a waiting run keeps others out after its key became free, until it asks again. */
    private static final Duration ASKS_AGAIN = Duration.ofSeconds(5);

    private final Ticker ticker;
    private final LimitRule rule;
    /** By the number of the slot; 0 is the key itself. */
    private final Map<LeaseKey, TreeMap<Integer, Grant>> families = new HashMap<>();
    /** The smallest limit under which somebody waits for a lock key. */
    private final Map<LeaseKey, Wait> waits = new HashMap<>();

    LeaseTable(Ticker ticker, LimitRule rule) {
        this.ticker = ticker;
        this.rule = rule;
    }

    /** A lease, the first instant at which it is dead, and whether it was renewed. */
    record Grant(Lease lease, NanoTime end, boolean renewed) {
        /** An owner may have had an earlier one, which somebody took away. */
        boolean is(Lease other) {
            return lease.owner().equals(other.owner()) && lease.token().equals(other.token());
        }

        Holder holder() {
            String run = lease.identity().run().map(RunKey::value).orElse("");
            return new Holder(lease.owner(), lease.token(), lease.worker(), run, lease.since());
        }

        Slot slot() {
            return slotOf(lease.identity());
        }
    }

    private record Wait(int limit, NanoTime end) {}

    private static Slot slotOf(JobIdentity identity) {
        return Objects.requireNonNullElse(identity.slot(), Slot.WHOLE);
    }

    /** Those that live, the key itself first, then by the number of their slots. */
    private List<Grant> family(JobIdentity identity) {
        TreeMap<Integer, Grant> family = families.get(LeaseKey.ofFamily(identity));
        if (family == null) {
            return List.of();
        }
        family.values().removeIf(grant -> !ticker.now().isBefore(grant.end));
        return List.copyOf(family.values());
    }

    private List<Grant> counting(JobIdentity identity) {
        return family(identity).stream()
                .filter(grant -> rule.heedsRenewed() || !grant.renewed)
                .toList();
    }

    @Nullable
    Grant live(JobIdentity identity) {
        int number = LeaseKey.of(identity).slot();
        List<Grant> family = family(identity);
        return family.stream()
                .filter(grant -> LeaseKey.of(grant.lease.identity()).slot() == number)
                .findFirst()
                .orElse(null);
    }

    /** The grant to name to a client that asks who holds a key: of several slots, that of the first. */
    @Nullable
    Grant shown(JobIdentity identity) {
        Grant own = live(identity);
        List<Grant> family = family(identity);
        return own != null || identity.slot() != null || family.isEmpty() ? own : family.get(0);
    }

    /** What keeps somebody else from being granted this: what is held of it, or what does not go with it. */
    @Nullable
    Grant inTheWay(JobIdentity wanted) {
        Grant own = live(wanted);
        if (own != null || wanted.lockKey() == null) {
            return own;
        }
        List<Grant> family = counting(wanted);
        Slot slot = slotOf(wanted);
        return family.stream()
                .filter(grant -> !rule.together().test(slot, grant.slot()))
                .findFirst()
                .orElseGet(() -> family.isEmpty() || slot.number() <= awaited(wanted) ? null : family.get(0));
    }

    /** What does not go with this, of which only one can be valid. */
    List<Grant> rivals(JobIdentity held) {
        int number = LeaseKey.of(held).slot();
        return family(held).stream()
                .filter(grant -> LeaseKey.of(grant.lease.identity()).slot() != number)
                .filter(grant -> !slotOf(held).goesWith(grant.slot()))
                .toList();
    }

    /** The lowest slot that would be granted under the limit of the one that is wanted; 0 if there is none. */
    int nextSlot(JobIdentity wanted) {
        if (wanted.slot() == null) {
            return 0;
        }
        int limit = wanted.slot().limit();
        List<Grant> family = counting(wanted);
        for (int number = 1; number <= Math.min(limit, awaited(wanted)); number++) {
            Slot next = new Slot(number, limit);
            if (family.stream().allMatch(grant -> rule.together().test(next, grant.slot()))) {
                return number;
            }
        }
        return 0;
    }

    /** The smallest limit under which somebody waits for the lock key. */
    int awaited(JobIdentity identity) {
        Wait wait = waits.get(LeaseKey.ofFamily(identity));
        return wait == null || !rule.heedsWaiting() || !ticker.now().isBefore(wait.end)
                ? Acquisition.Held.NOBODY
                : wait.limit;
    }

    /** Somebody waits, and will have asked again when so much time is over. */
    void waits(JobIdentity wanted, Duration left) {
        int limit = slotOf(wanted).limit();
        if (wanted.lockKey() != null && limit <= awaited(wanted)) {
            waits.put(
                    LeaseKey.ofFamily(wanted),
                    new Wait(limit, ticker.now().plus(left).plus(ASKS_AGAIN)));
        }
    }

    void put(Lease lease, boolean renewed) {
        families.computeIfAbsent(LeaseKey.ofFamily(lease.identity()), first -> new TreeMap<>())
                .put(
                        LeaseKey.of(lease.identity()).slot(),
                        new Grant(lease, ticker.now().plus(lease.ttl()), renewed));
    }

    /** A waiting run asks again soon: until then, nobody overtakes it by taking one of the slots for which it waits. */
    void remove(JobIdentity identity) {
        LeaseKey key = LeaseKey.ofFamily(identity);
        TreeMap<Integer, Grant> family = families.get(key);
        if (family != null) {
            family.remove(LeaseKey.of(identity).slot());
            if (family.isEmpty()) {
                families.remove(key);
            }
        }
        NanoTime soon = ticker.now().plus(ASKS_AGAIN);
        waits.computeIfPresent(
                key,
                (same, wait) -> identity.slot() == null
                        ? null
                        : new Wait(wait.limit, wait.end.isBefore(soon) ? wait.end : soon));
    }

    /** Every lease that lives. */
    List<Grant> all() {
        return families.values().stream()
                .flatMap(family -> family.values().stream())
                .filter(grant -> ticker.now().isBefore(grant.end))
                .toList();
    }

    void clear() {
        families.clear();
        waits.clear();
    }
}

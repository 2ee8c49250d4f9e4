package io.hapax.testkit;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * A lease store that remembers who took a lease and never gave it back, around one that does the work. Thread-safe.
 *
 * <p>A lease counts as given back once its release or withdrawal was asked for and did not fail, once it was taken away
 * by force, once the store answered that it is gone, or once it has lapsed.
 */
public final class StrictLeaseStore extends ForwardingLeaseStore {

    private final Ticker ticker;
    private final Map<OwnerId, Opening> open = new LinkedHashMap<>();

    /**
     * Watches over a store.
     *
     * @param store the store that does the work; closed with this one
     * @param ticker the clock on which leases lapse
     */
    public StrictLeaseStore(LeaseStore store, Ticker ticker) {
        super(store);
        this.ticker = ticker;
    }

    /**
     * Checks that each lease was given back, or has lapsed.
     *
     * @throws AssertionError if one is still held; the message names all of them, and the suppressed exceptions show
     *     where each was asked for
     */
    public void assertNothingHeld() {
        List<Opening> held = held();
        if (held.isEmpty()) {
            return;
        }
        AssertionError error = new AssertionError(held.size() + " lease(s) neither released nor lapsed: "
                + held.stream().map(Opening::lease).toList()
                + "; the suppressed exceptions show who asked for them");
        held.forEach(opening -> error.addSuppressed(opening.asked));
        throw error;
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        Throwable asked = new Throwable("asked for here: " + request.identity() + ", owner " + request.owner());
        return store().acquire(request).thenApply(answer -> {
            if (answer instanceof Acquisition.Granted granted) {
                opened(granted.lease(), asked);
            }
            return answer;
        });
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return store().renew(leases).thenApply(answers -> {
            for (int i = 0; i < answers.size(); i++) {
                renewed(leases.get(i), answers.get(i));
            }
            return answers;
        });
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return store().release(lease, ending).thenApply(released -> {
            closed(lease.owner());
            return released;
        });
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return store().withdraw(request).thenAccept(nothing -> closed(request.owner()));
    }

    @Override
    public LeaseAdmin admin() {
        return new StrictAdmin(super.admin());
    }

    private final class StrictAdmin extends ForwardingLeaseAdmin {

        StrictAdmin(LeaseAdmin admin) {
            super(admin);
        }

        @Override
        public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
            return super.forceRelease(identity, why).thenApply(this::closing);
        }

        @Override
        public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
            return super.forceRelease(lease, why).thenApply(this::closing);
        }

        private Optional<Holder> closing(Optional<Holder> holder) {
            holder.ifPresent(forced -> closed(forced.owner()));
            return holder;
        }
    }

    private List<Opening> held() {
        synchronized (open) {
            NanoTime now = ticker.now();
            return open.values().stream()
                    .filter(opening -> now.isBefore(opening.end))
                    .toList();
        }
    }

    private void opened(Lease lease, Throwable asked) {
        synchronized (open) {
            open.put(lease.owner(), new Opening(lease, ticker.now().plus(lease.ttl()), asked));
        }
    }

    private void renewed(Lease lease, Renewal answer) {
        synchronized (open) {
            Opening opening = open.get(lease.owner());
            if (answer instanceof Renewal.Gone) {
                open.remove(lease.owner());
            } else if (answer instanceof Renewal.Renewed && opening != null) {
                opened(lease, opening.asked);
            }
        }
    }

    private void closed(OwnerId owner) {
        synchronized (open) {
            open.remove(owner);
        }
    }

    private record Opening(Lease lease, NanoTime end, Throwable asked) {}
}

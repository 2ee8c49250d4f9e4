package io.hapax.testkit;

import static io.hapax.testkit.LeaseAttempts.LONG;
import static io.hapax.testkit.LeaseAttempts.acquire;
import static io.hapax.testkit.LeaseAttempts.freshLock;
import static io.hapax.testkit.LeaseAttempts.freshPair;
import static io.hapax.testkit.LeaseAttempts.get;
import static io.hapax.testkit.LeaseAttempts.granted;
import static io.hapax.testkit.LeaseAttempts.ownedBy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.Slot;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class InMemoryLeaseStoreTest {

    private static final Duration NANO = Duration.ofNanos(1);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final JobIdentity identity = freshPair();

    @Nested
    class OnManualTime extends LeaseStoreContract {
        private final LeaseStore other = store.otherClient();

        @Override
        protected LeaseStore store() {
            return store;
        }

        @Override
        protected LeaseStore otherClient() {
            return other;
        }

        @Override
        protected void letLapse(Duration ttl) {
            ticker.advance(ttl.plus(NANO));
        }
    }

    /** Both cannot be valid: the earlier one was taken away, which is forgotten as well. */
    @Test
    void of_two_holders_of_a_key_who_show_themselves_the_later_one_counts() {
        JobIdentity whole = freshLock();
        JobIdentity second = new JobIdentity(whole.lockKey(), null, new Slot(2, 3));
        JobIdentity third = new JobIdentity(whole.lockKey(), null, new Slot(3, 3));
        for (List<JobIdentity> held : List.of(List.of(whole, second), List.of(second, whole))) {
            Lease earlier = granted(store, held.get(0));
            get(store.release(earlier, Ending.NOT_DONE));
            store.forgetEverything();
            Lease later = granted(store, held.get(1));
            store.quarantine(LONG);
            store.forgetEverything();
            assertThat(get(store.renew(List.of(earlier)))).containsOnly(new Renewal.Renewed(true));
            assertThat(get(store.renew(List.of(later)))).containsOnly(new Renewal.Renewed(true));
            assertThat(get(store.renew(List.of(earlier)))).singleElement().isInstanceOf(Renewal.Gone.class);
            assertThat(get(store.renew(List.of(later)))).containsOnly(new Renewal.Renewed(false));
            store.quarantine(Duration.ZERO);
            store.forgetEverything();
        }
        Lease two = granted(store, second);
        Lease three = granted(store, third);
        store.quarantine(LONG);
        store.forgetEverything();
        assertThat(get(store.renew(List.of(two, three)))).containsOnly(new Renewal.Renewed(true));
        assertThat(get(store.renew(List.of(two, three)))).containsOnly(new Renewal.Renewed(false));
    }

    /** As a store of an application's own may be. */
    @Nested
    class WithTheHotPortOnly extends LeaseStoreContract {
        private final FaultInjector nothingElse = new FaultInjector();
        private final LeaseStore hot = nothingElse.around(LeaseStore.class, store);
        private final LeaseStore other = nothingElse.around(LeaseStore.class, store.otherClient());

        @Override
        protected LeaseStore store() {
            return hot;
        }

        @Override
        protected LeaseStore otherClient() {
            return other;
        }

        @Override
        protected void letLapse(Duration ttl) {
            ticker.advance(ttl.plus(NANO));
        }
    }

    @Nested
    class OnRealTime extends LeaseStoreContract {
        private final InMemoryLeaseStore real = new InMemoryLeaseStore(Ticker.SYSTEM);
        private final LeaseStore other = real.otherClient();

        @Override
        protected LeaseStore store() {
            return real;
        }

        @Override
        protected LeaseStore otherClient() {
            return other;
        }

        @Override
        protected void letLapse(Duration ttl) {
            long end = System.nanoTime() + ttl.plusMillis(20).toNanos();
            while (System.nanoTime() - end < 0) {
                LockSupport.parkNanos(end - System.nanoTime());
            }
        }
    }

    @Test
    void a_lease_lives_one_nanosecond_before_its_end_and_is_dead_at_its_end() {
        granted(store, identity);
        ticker.advance(LONG.minus(NANO));
        assertThat(acquire(store, identity))
                .isInstanceOfSatisfying(
                        Acquisition.Held.class,
                        held -> assertThat(held.ttlLeft()).isEqualTo(NANO));
        ticker.advance(NANO);
        granted(store, identity);
    }

    @Test
    void a_done_marker_lives_one_nanosecond_before_its_end_and_is_dead_at_its_end() {
        get(store.release(granted(store, identity), Ending.done(LONG)));
        ticker.advance(LONG.minus(NANO));
        assertThat(acquire(store, identity)).isInstanceOf(Acquisition.Done.class);
        ticker.advance(NANO);
        granted(store, identity);
    }

    @Test
    void a_completion_that_is_repeated_counts_as_long_as_its_done_marker_lives() {
        Lease lease = granted(store, identity);
        Ending done = Ending.done(LONG.multipliedBy(10));
        assertThat(get(store.release(lease, done))).isTrue();
        ticker.advance(LONG.multipliedBy(10).minus(NANO));
        assertThat(get(store.release(lease, done))).isTrue();
        assertThat(get(store.release(ownedBy(OwnerId.random(), lease), done))).isFalse();
        ticker.advance(NANO);
        assertThat(get(store.release(lease, done))).isFalse();
    }

    @Test
    void the_clock_of_the_store_moves_with_the_ticker() {
        Lease first = granted(store, identity);
        ticker.advance(LONG.plusSeconds(5));
        Lease second = granted(store, identity);
        assertThat(Duration.between(first.since(), second.since())).isEqualTo(LONG.plusSeconds(5));
    }

    @Test
    void a_store_that_forgot_everything_keeps_its_tokens_growing() {
        Lease before = granted(store, identity);
        get(store.release(before, Ending.done(LONG)));
        store.forgetEverything();
        assertThat(granted(store, identity).token()).isGreaterThan(before.token());
    }

    @Test
    void nothing_new_is_granted_in_quarantine() {
        store.quarantine(Duration.ofSeconds(10));
        ticker.advance(Duration.ofSeconds(4));
        assertThat(acquire(store.otherClient(), identity))
                .isInstanceOfSatisfying(
                        Acquisition.Quarantined.class,
                        answer -> assertThat(answer.left()).isEqualTo(Duration.ofSeconds(6)));
        ticker.advance(Duration.ofSeconds(6));
        granted(store, identity);
    }

    @Test
    void a_forgotten_lease_is_reasserted_in_quarantine_and_lost_without_one() {
        Lease lease = granted(store, identity);
        store.forgetEverything();
        assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Gone(null));

        store.quarantine(LONG);
        assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(true));
        assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        assertThat(acquire(store, identity))
                .isInstanceOfSatisfying(
                        Acquisition.Held.class,
                        held -> assertThat(held.holder().owner()).isEqualTo(lease.owner()));
    }

    @Test
    void a_forgotten_lease_is_reasserted_over_a_lower_token_and_not_over_a_higher_one() {
        Lease low = granted(store, identity);
        store.forgetEverything();
        Lease high = granted(store, identity);
        store.quarantine(LONG);
        assertThat(get(store.renew(List.of(low))).get(0)).isInstanceOf(Renewal.Gone.class);

        store.forgetEverything();
        assertThat(get(store.renew(List.of(low, high))))
                .containsExactly(new Renewal.Renewed(true), new Renewal.Renewed(true));
        assertThat(get(store.renew(List.of(low))).get(0)).isInstanceOf(Renewal.Gone.class);
    }

    @Test
    void what_was_released_or_forced_is_not_reasserted() {
        store.quarantine(Duration.ZERO);
        Lease released = granted(store, identity);
        Lease forced = granted(store, freshLock());
        get(store.release(released, Ending.NOT_DONE));
        get(store.admin().forceRelease(forced.identity()));
        store.quarantine(LONG);
        assertThat(get(store.renew(List.of(released, forced)))).containsOnly(new Renewal.Gone(null));
    }

    @Test
    void a_forgotten_lease_can_be_completed_in_quarantine() {
        Lease lease = granted(store, identity);
        store.forgetEverything();
        assertThat(get(store.release(ownedBy(OwnerId.random(), lease), Ending.done(LONG))))
                .isFalse();
        store.quarantine(Duration.ofSeconds(10));
        assertThat(get(store.release(lease, Ending.done(LONG)))).isTrue();
        assertThat(acquire(store, identity)).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void waiting_ends_exactly_at_its_deadline() {
        granted(store, identity);
        CompletableFuture<Void> chance =
                store.nextChance(identity, Duration.ofSeconds(10)).toCompletableFuture();
        ticker.advance(Duration.ofSeconds(10).minus(NANO));
        assertThat(chance).isNotDone();
        ticker.advance(NANO);
        assertThat(chance).isCompleted();
    }

    @Test
    void a_release_between_the_refusal_and_the_waiting_is_not_missed() {
        Lease lease = granted(store, identity);
        acquire(store.otherClient(), identity);
        get(store.release(lease, Ending.NOT_DONE));
        assertThat(store.nextChance(identity, LONG).toCompletableFuture()).isCompleted();
        assertThat(store.nextChance(identity, LONG).toCompletableFuture()).isNotDone();
    }

    @Test
    void a_closed_client_fails_and_lets_its_waiters_go_while_the_others_go_on() {
        InMemoryLeaseStore other = store.otherClient();
        granted(other, identity);
        CompletableFuture<Void> chance = store.nextChance(identity, LONG).toCompletableFuture();
        store.close();

        assertThat(chance).isCompleted();
        assertThat(store.nextChance(identity, LONG).toCompletableFuture()).isCompleted();
        assertThatThrownBy(() ->
                        store.admin().holder(identity).toCompletableFuture().join())
                .hasCauseInstanceOf(LeaseStoreException.class);
        assertThat(get(other.admin().holder(identity))).isPresent();
    }
}

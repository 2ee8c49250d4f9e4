package io.hapax.testkit;

import static io.hapax.testkit.LeaseAttempts.LONG;
import static io.hapax.testkit.LeaseAttempts.freshLock;
import static io.hapax.testkit.LeaseAttempts.freshPair;
import static io.hapax.testkit.LeaseAttempts.get;
import static io.hapax.testkit.LeaseAttempts.granted;
import static io.hapax.testkit.LeaseAttempts.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class StrictLeaseStoreTest {

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore faulty = new FaultyLeaseStore(memory);
    private final StrictLeaseStore strict = new StrictLeaseStore(faulty, ticker);
    private final JobIdentity identity = freshPair();

    @Nested
    class AsAStore extends LeaseStoreContract {
        private final LeaseStore other = memory.otherClient();

        @Override
        protected LeaseStore store() {
            return strict;
        }

        @Override
        protected LeaseStore otherClient() {
            return other;
        }

        @Override
        protected void letLapse(Duration ttl) {
            ticker.advance(ttl.plusNanos(1));
        }
    }

    @Test
    void a_lease_that_is_still_held_is_named_with_the_stack_of_who_asked_for_it() {
        strict.assertNothingHeld();
        Lease lease = opener();

        Throwable error = catchThrowable(strict::assertNothingHeld);
        assertThat(error).isInstanceOf(AssertionError.class).hasMessageContaining(identity.leaseName());
        assertThat(error.getSuppressed()).hasSize(1);
        assertThat(error.getSuppressed()[0].getStackTrace())
                .anySatisfy(frame -> assertThat(frame.getMethodName()).isEqualTo("opener"));

        get(strict.release(lease, Ending.NOT_DONE));
        strict.assertNothingHeld();
    }

    @Test
    void a_lease_counts_until_it_has_lapsed_and_renewals_prolong_it() {
        Lease lease = granted(strict, identity, Duration.ofSeconds(10));
        ticker.advance(Duration.ofSeconds(6));
        get(strict.renew(List.of(lease)));
        ticker.advance(Duration.ofSeconds(6));
        assertThatThrownBy(strict::assertNothingHeld).isInstanceOf(AssertionError.class);
        ticker.advance(Duration.ofSeconds(4));
        strict.assertNothingHeld();
    }

    @Test
    void a_withdrawal_a_forced_release_and_a_loss_end_it_too() {
        LeaseRequest request = request(identity, LONG);
        granted(strict, request);
        get(strict.withdraw(request));
        strict.assertNothingHeld();

        granted(strict, identity);
        get(strict.admin().forceRelease(identity));
        strict.assertNothingHeld();

        Lease lost = granted(strict, freshLock());
        get(memory.admin().forceRelease(lost.identity()));
        get(strict.renew(List.of(lost)));
        strict.assertNothingHeld();
    }

    @Test
    void a_release_that_failed_does_not_count() {
        Lease lease = granted(strict, identity);
        faulty.failReleases(1);
        assertThat(strict.release(lease, Ending.NOT_DONE).toCompletableFuture()).isCompletedExceptionally();
        assertThatThrownBy(strict::assertNothingHeld).isInstanceOf(AssertionError.class);
        get(strict.release(lease, Ending.NOT_DONE));
        strict.assertNothingHeld();
    }

    private Lease opener() {
        return granted(strict, identity);
    }
}

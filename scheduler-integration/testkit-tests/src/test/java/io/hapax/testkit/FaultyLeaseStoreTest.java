package io.hapax.testkit;

import static io.hapax.testkit.LeaseAttempts.LONG;
import static io.hapax.testkit.LeaseAttempts.acquire;
import static io.hapax.testkit.LeaseAttempts.freshPair;
import static io.hapax.testkit.LeaseAttempts.get;
import static io.hapax.testkit.LeaseAttempts.granted;
import static io.hapax.testkit.LeaseAttempts.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class FaultyLeaseStoreTest {

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore faulty = new FaultyLeaseStore(memory);
    private final JobIdentity identity = freshPair();

    @Nested
    class WithoutFaults extends LeaseStoreContract {
        private final LeaseStore other = memory.otherClient();

        @Override
        protected LeaseStore store() {
            return faulty;
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
    void failed_calls_are_not_carried_out_and_end_after_the_given_number() {
        faulty.failAcquires(2);
        assertFails(faulty.acquire(request(identity, LONG)), "acquire was not sent");
        assertFails(faulty.acquire(request(identity, LONG)), "acquire was not sent");
        Lease lease = granted(faulty, identity);
        assertThat(faulty.acquireCalls()).isEqualTo(3);

        faulty.failReleases();
        assertFails(faulty.release(lease, Ending.NOT_DONE), "release was not sent");
        assertFails(faulty.release(lease, Ending.NOT_DONE), "release was not sent");
        assertThat(get(faulty.admin().holder(identity))).isPresent();
        faulty.healthy();
        assertThat(get(faulty.release(lease, Ending.NOT_DONE))).isTrue();
        assertThat(faulty.releaseCalls()).isEqualTo(3);
    }

    @Test
    void a_lost_answer_belongs_to_a_call_that_was_carried_out() {
        LeaseRequest request = request(identity, LONG);
        faulty.loseAcquireAnswers(1);
        assertFails(faulty.acquire(request), "its answer got lost");
        assertThat(acquire(faulty, identity)).isInstanceOf(Acquisition.Held.class);
        get(faulty.withdraw(request));
        assertThat(faulty.withdrawCalls()).isEqualTo(1);

        Lease lease = granted(faulty, identity);
        faulty.loseReleaseAnswers();
        assertFails(faulty.release(lease, Ending.done(LONG)), "its answer got lost");
        assertThat(acquire(faulty, identity)).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void hanging_calls_are_not_carried_out_and_stay_open_until_they_time_out() {
        Lease lease = granted(faulty, identity, Duration.ofSeconds(10));
        faulty.hangRenewals(1);
        CompletableFuture<List<Renewal>> hanging = faulty.renew(List.of(lease)).toCompletableFuture();
        assertThat(get(faulty.renew(List.of()))).isEmpty();
        ticker.advance(Duration.ofSeconds(10));
        assertThat(get(memory.admin().holder(identity))).isEmpty();

        faulty.healthy();
        assertThat(hanging).isNotDone();
        faulty.timeOut();
        assertFails(hanging, "renew was not answered in time");
        assertThat(faulty.renewCalls()).isEqualTo(2);
    }

    @Test
    void everything_can_fail_at_once() {
        Lease lease = granted(faulty, identity);
        faulty.failEverything();
        assertFails(faulty.acquire(request(identity, LONG)), "acquire");
        assertFails(faulty.renew(List.of(lease)), "renew");
        assertFails(faulty.release(lease, Ending.NOT_DONE), "release");
        assertFails(faulty.withdraw(request(identity, LONG)), "withdraw");
    }

    @Test
    void the_answer_timeout_can_be_changed() {
        assertThat(faulty.answerTimeout()).isEqualTo(memory.answerTimeout());
        assertThat(faulty.answerTimeout(LONG).answerTimeout()).isEqualTo(LONG);
    }

    @Test
    void a_fault_happens_at_least_once() {
        assertThatThrownBy(() -> faulty.failRenewals(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0 times");
    }

    private static void assertFails(CompletionStage<?> stage, String why) {
        assertThatThrownBy(() -> stage.toCompletableFuture().join())
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContaining(why);
    }
}

package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.InjectedFault.Answer;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class FaultInjectorTest {

    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(new ManualTicker());
    private final FaultInjector faults = new FaultInjector();
    private final AdministeredStore store = faults.around(AdministeredStore.class, memory);

    private static LeaseRequest request(String key) {
        return new LeaseRequest(
                new JobIdentity(new LockKey(key), null), OwnerId.random(), "w", Duration.ofSeconds(9), false);
    }

    private CompletableFuture<Acquisition> acquire(String key) {
        return store.acquire(request(key)).toCompletableFuture();
    }

    private boolean isHeld(String key) {
        return memory.admin()
                .holder(request(key).identity())
                .toCompletableFuture()
                .join()
                .isPresent();
    }

    @Test
    void a_checked_exception_is_thrown_as_it_is_as_often_as_ordered() {
        IOException failure = new IOException("sneaked");
        faults.inject(LeaseStore.class, "acquire", new InjectedFault.Thrown(failure), 1);
        assertThatThrownBy(() -> acquire("k")).isSameAs(failure);
        assertThat(acquire("k")).isCompletedWithValueMatching(Acquisition.Granted.class::isInstance);
        assertThat(faults.calls(LeaseStore.class, "acquire")).isEqualTo(2);
    }

    @Test
    void a_lost_answer_is_carried_out_and_a_failed_call_is_not() {
        IOException failure = new IOException("x");
        faults.inject(LeaseStore.class, "acquire", new InjectedFault.Failed(failure));
        assertThat(acquire("failed")).isCompletedExceptionally();
        faults.inject(LeaseStore.class, "acquire", new InjectedFault.FailedAfterwards(failure));
        assertThat(acquire("lost")).isCompletedExceptionally();
        assertThat(isHeld("failed")).isFalse();
        assertThat(isHeld("lost")).isTrue();
    }

    @Test
    void what_is_late_is_done_at_once_or_at_its_release() {
        faults.inject(LeaseStore.class, "acquire", Answer.LATE, 1);
        CompletableFuture<Acquisition> late = acquire("late");
        faults.inject(LeaseStore.class, "acquire", Answer.DONE_LATE, 1);
        CompletableFuture<Acquisition> doneLate = acquire("doneLate");
        assertThat(isHeld("late")).isTrue();
        assertThat(isHeld("doneLate")).isFalse();
        assertThat(late).isNotDone();
        faults.release();
        assertThat(late).isCompleted();
        assertThat(doneLate).isCompleted();
        assertThat(isHeld("doneLate")).isTrue();
    }

    @Test
    void no_answer_comes_whether_or_not_the_call_is_carried_out() {
        faults.inject(LeaseStore.class, "acquire", Answer.NEVER, 1);
        assertThat(acquire("never")).isNotDone();
        faults.inject(LeaseStore.class, "acquire", Answer.NEVER_BUT_DONE, 1);
        assertThat(acquire("done")).isNotDone();
        assertThat(isHeld("never")).isFalse();
        assertThat(isHeld("done")).isTrue();
    }

    @Test
    void a_call_that_is_carried_out_twice_gives_the_second_answer() {
        Reservations places = store.reservations().orElseThrow();
        places.reserve(new ReservationRequest("n", "me", 1, Duration.ofSeconds(9)));
        faults.inject(Reservations.class, "giveUp", Answer.TWICE, 1);
        assertThat(places.giveUp("n", "me").toCompletableFuture()).isCompletedWithValue(false);
    }

    @Test
    void nulls_and_a_cancelled_stage_stand_for_answers() {
        faults.inject(LeaseStore.class, "acquire", Answer.NULL, 1);
        assertThat((Object) store.acquire(request("k"))).isNull();
        faults.inject(LeaseStore.class, "acquire", Answer.STAGE_OF_NULL, 1);
        assertThat(acquire("k")).isCompletedWithValue(null);
        faults.inject(LeaseStore.class, "acquire", Answer.CANCELLED, 1);
        assertThat(acquire("k")).isCancelled();
    }

    @Test
    void a_list_is_too_short_too_long_or_full_of_nulls() {
        List<Lease> leases = List.of(((Acquisition.Granted) acquire("k").join()).lease());
        faults.inject(LeaseStore.class, "renew", Answer.TOO_SHORT, 1);
        assertThat(store.renew(leases).toCompletableFuture().join()).isEmpty();
        faults.inject(LeaseStore.class, "renew", Answer.TOO_LONG, 1);
        assertThat(store.renew(leases).toCompletableFuture().join()).hasSize(2);
        faults.inject(LeaseStore.class, "renew", Answer.NULL_ELEMENTS, 1);
        assertThat(store.renew(leases).toCompletableFuture().join()).hasSize(1).containsOnlyNulls();
    }

    @Test
    void dependants_run_on_another_thread() {
        faults.inject(LeaseStore.class, "acquire", Answer.ON_ANOTHER_THREAD, 1);
        assertThat(acquire("k").thenApply(any -> any).join()).isInstanceOf(Acquisition.Granted.class);
    }

    @Test
    void what_a_store_hands_out_misbehaves_too_until_all_is_healthy() {
        faults.inject(Reservations.class, "holders", new InjectedFault.Thrown(new AssertionError("x")));
        Reservations places = store.blocking().reservations().orElseThrow();
        assertThatThrownBy(() -> places.holders("n")).isInstanceOf(AssertionError.class);
        faults.healthy();
        assertThat(places.holders("n").toCompletableFuture().join()).isEmpty();
        faults.inject(LeaseAdmin.class, "leases", Answer.NULL, 1);
        assertThat((Object) store.admin().leases(9)).isNull();
        assertThat(store.admin().leases(9).toCompletableFuture().join()).isEmpty();
        faults.inject(FleetBoard.class, "summaries", Answer.NULL, 1);
        assertThat((Object) store.board().summaries()).isNull();
        assertThat(store.board().summaries().toCompletableFuture().join()).isEmpty();
    }

    @Test
    void a_callback_misbehaves_as_well() {
        @SuppressWarnings("unchecked")
        Consumer<String> callback = faults.around(Consumer.class, text -> {});
        callback.accept("fine");
        faults.inject(Consumer.class, "accept", new InjectedFault.Thrown(new StackOverflowError()), 1);
        assertThatThrownBy(() -> callback.accept("x")).isInstanceOf(StackOverflowError.class);
    }

    @Test
    void a_fault_that_no_method_of_the_name_can_have_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> faults.inject(LeaseStore.class, "close", Answer.NEVER))
                .withMessageContaining("no method close of LeaseStore can misbehave like NEVER");
    }
}

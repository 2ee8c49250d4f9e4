package io.hapax.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.hapax.Admission;
import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.OnLeaseLost;
import io.hapax.RunInterruptedException;
import io.hapax.RunRefusedException;
import io.hapax.RunRequest;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.OwnThread;
import io.hapax.testkit.StrictLeaseStore;
import java.io.IOException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What any framework's interceptor gets from it: keys, refusals, calls within calls, and what is refused at the start. */
class GuardedCallTest {

    private final ManualTicker ticker = new ManualTicker();
    private final StrictLeaseStore store = new StrictLeaseStore(new InMemoryLeaseStore(ticker), ticker);
    private final JobGuard guard = guard("here");
    private final JobGuard other = guard("there");
    private final List<String> done = new CopyOnWriteArrayList<>();

    private JobGuard guard(String worker) {
        return JobGuard.builder(store)
                .worker(worker)
                .ticker(ticker)
                .environment(text -> text.replace("${shop}", "books"))
                .build();
    }

    @AfterEach
    void nothing_is_left_held() {
        store.assertNothingHeld();
        assertThat(CurrentRun.find()).isEmpty();
    }

    /** Methods of beans; they are called through what is tested. */
    interface Shop {

        @Guarded
        void plain();

        @Guarded(key = "${shop}/%{customer}", once = "order/%1")
        Optional<String> ship(int customer, int order);

        @Guarded(key = "stock", onConflict = OnConflict.FAIL)
        int count();

        @Guarded(key = "stock", onConflict = OnConflict.WAIT)
        int waiting();

        @Guarded(key = "outer/%0")
        String outer(int number);

        @Guarded(key = "outer/%0", once = "inner/%0")
        String inner(int number);

        @Guarded(enabled = false)
        String off();

        @Guarded(key = "observed/%0.id", observe = true)
        String observed(Object any);

        @Guarded(key = "list")
        Object late();
    }

    private static Method method(Class<?> type, String name) {
        return Arrays.stream(type.getDeclaredMethods())
                .filter(each -> each.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static GuardedCall of(JobGuard guard, String name) {
        return GuardedCall.of(guard, Shop.class, method(Shop.class, name));
    }

    /** On a thread of its own, which is within no run. */
    private @Nullable Object calledElsewhere(String name) {
        return OwnThread.supply(() -> {
                    try {
                        return called(of(other, name));
                    } catch (RuntimeException thrown) {
                        throw thrown;
                    } catch (Exception thrown) {
                        throw new AssertionError(thrown);
                    }
                })
                .join();
    }

    private @Nullable Object called(GuardedCall call, Object... arguments) throws Exception {
        return call.call(arguments, () -> {
            done.add(call.shown() + Arrays.toString(arguments));
            return CurrentRun.get().identity().toString();
        });
    }

    @Test
    void a_method_without_keys_does_not_overlap_with_itself() throws Exception {
        GuardedCall call = of(guard, "plain");
        assertThat(call.shown()).isEqualTo("Shop.plain");
        Object kept = call.call(new Object[0], () -> {
            assertThat(calledElsewhere("plain")).isNull();
            return CurrentRun.get().identity();
        });
        assertThat(kept).isEqualTo(new JobIdentity(new LockKey(call.path()), null));
        assertThat(call.path()).isEqualTo(Shop.class.getName() + ".plain()");
        assertThat(done).isEmpty();
        called(of(other, "plain"));
        assertThat(done).hasSize(1);
    }

    @Test
    void keys_are_filled_in_and_what_is_done_is_not_done_again() throws Exception {
        assertThat(called(of(guard, "ship"), 7, 42).toString()).contains("books/7", "order/42");
        assertThat(called(of(other, "ship"), 8, 42)).isEqualTo(Optional.empty());
        assertThat(done).containsExactly("Shop.ship[7, 42]");
    }

    @Test
    void a_refusal_fails_where_the_policy_says_so_or_there_is_no_value_for_it() throws Exception {
        of(guard, "count").call(new Object[0], () -> {
            assertThatExceptionOfType(CompletionException.class)
                    .isThrownBy(() -> calledElsewhere("count"))
                    .havingCause()
                    .isInstanceOfSatisfying(
                            RunRefusedException.class,
                            refused -> assertThat(refused.refusal().verdict()).isEqualTo(Verdict.OVERLAP));
            return 1;
        });
        assertThat(of(guard, "count").call(new Object[0], () -> 5)).isEqualTo(5);
    }

    @Test
    void what_a_method_throws_is_thrown_as_it_is_and_frees_its_occurrence() throws Exception {
        IOException cause = new IOException("no paper");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> of(guard, "ship").call(new Object[] {7, 42}, () -> {
                    throw cause;
                }))
                .isSameAs(cause);
        called(of(other, "ship"), 7, 42);
        assertThat(done).hasSize(1);
    }

    @Test
    void a_call_within_a_run_that_holds_the_same_key_takes_part_in_it() throws Exception {
        of(guard, "outer").call(new Object[] {1}, () -> {
            var outer = CurrentRun.get();
            of(guard, "outer").call(new Object[] {1}, () -> {
                assertThat(CurrentRun.get()).isSameAs(outer);
                return null;
            });
            of(guard, "outer").call(new Object[] {2}, () -> {
                assertThat(CurrentRun.get()).isNotSameAs(outer);
                return null;
            });
            assertThatIllegalStateException()
                    .isThrownBy(() -> called(of(guard, "inner"), 1))
                    .withMessageContaining("could not be noted as done");
            return null;
        });
    }

    @Test
    void a_run_that_has_ended_holds_no_key_for_code_that_outlives_it() throws Exception {
        AtomicReference<GuardedRun> kept = new AtomicReference<>();
        of(guard, "outer").call(new Object[] {1}, () -> {
            kept.set(CurrentRun.get());
            return null;
        });
        try (GuardedRun.Scope part = kept.get().takePart()) {
            of(other, "outer").call(new Object[] {1}, () -> {
                try (GuardedRun.Scope within = kept.get().takePart()) {
                    assertThat(called(of(guard, "outer"), 1)).isNull();
                }
                return null;
            });
            assertThat(done).isEmpty();
            assertThat(called(of(guard, "outer"), 1)).isEqualTo("lock outer/1");
            assertThat(called(of(guard, "inner"), 1)).isEqualTo("lock outer/1, run inner/1");
        }
    }

    @Test
    void a_run_that_is_lost_is_the_one_of_its_code_until_it_ends() throws Exception {
        GuardedRun lost = ((Admission.Admitted) guard.admit(RunRequest.lock("outer/1"))).run();
        try (GuardedRun.Scope work = lost.enter(OnLeaseLost.SIGNAL)) {
            other.admin()
                    .forceRelease(lost.identity(), "test", "another one is to run")
                    .join();
            ticker.advance(guard.defaults().ttl());
            assertThat(lost.isHeld()).isFalse();
            of(guard, "outer").call(new Object[] {1}, () -> {
                assertThat(CurrentRun.get()).isSameAs(lost);
                return null;
            });
            lost.close();
            of(guard, "outer").call(new Object[] {1}, () -> {
                assertThat(CurrentRun.get()).isNotSameAs(lost);
                return null;
            });
        }
    }

    @Test
    void a_lost_lease_is_told_to_the_caller() {
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> of(guard, "outer").call(new Object[] {1}, () -> {
                    other.admin()
                            .forceRelease(CurrentRun.get().identity(), "test", "another one is to run")
                            .join();
                    ticker.advance(guard.defaults().ttl());
                    return "done without the lease";
                }));
    }

    @Test
    void an_interrupted_thread_starts_nothing_and_stays_interrupted() {
        Thread.currentThread().interrupt();
        assertThatExceptionOfType(RunInterruptedException.class)
                .isThrownBy(() -> called(of(guard, "plain")))
                .withMessageContaining("Shop.plain");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(done).isEmpty();
    }

    @Test
    void an_interrupt_of_the_work_is_that_of_the_work() {
        assertThatExceptionOfType(InterruptedException.class)
                .isThrownBy(() -> of(guard, "plain").call(new Object[0], () -> {
                    throw new InterruptedException("of the work");
                }))
                .withMessage("of the work");
    }

    @Test
    void a_result_that_is_still_worked_on_is_refused() {
        CompletableFuture<String> late = new CompletableFuture<>();
        assertThatIllegalStateException()
                .isThrownBy(() -> of(guard, "late").call(new Object[0], () -> late))
                .withMessageContaining("Shop.late");
        assertThat(late).isCancelled();
    }

    @Test
    void what_is_switched_off_or_only_observed_is_called_whatever_happens() throws Exception {
        GuardedCall off = of(guard, "off");
        assertThat(off.isEnabled()).isFalse();
        assertThat(off.call(new Object[0], () -> CurrentRun.find().isEmpty())).isEqualTo(true);
        assertThat(of(guard, "observed").call(new Object[] {new Object()}, () -> "ran"))
                .isEqualTo("ran");
        record WithId(int id) {}
        assertThat(of(guard, "observed")
                        .call(
                                new Object[] {new WithId(3)},
                                () -> CurrentRun.get().identity().toString()))
                .asString()
                .contains("observed/3");
    }

    @Test
    void a_value_that_is_missing_fails_the_call() {
        GuardedCall call = GuardedCall.of(guard, Wrong.class, method(Wrong.class, "property"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> called(call, "text"))
                .withMessageContaining("%0.id has no value");
    }

    /** Each is wrong, but for the first, whose value is. */
    @SuppressWarnings("unused")
    static class Wrong {

        @Guarded(key = "k/%0.id")
        public void property(Object any) {}

        @Guarded
        public void arguments(int number) {}

        @Guarded(key = "k")
        public void constant(int number) {}

        @Guarded(once = "o", ignoreArguments = false)
        public void always() {}

        @Guarded(key = "k/%{nobody}")
        public void name(int number) {}

        @Guarded(key = "k/%1")
        public void position(int number) {}

        @Guarded(key = "k/#{#number}")
        public void expression(int number) {}

        @Guarded(key = "k", onConflict = OnConflict.ALLOW)
        public void allowed() {}

        @Guarded(onConflict = OnConflict.RESCHEDULE)
        public void again() {}

        @Guarded(key = "k", mode = LockMode.UNTIL_EXECUTED)
        public void queued() {}

        @Guarded(afterCrash = AfterCrash.ABANDON)
        public void abandoned() {}

        @Guarded
        public int primitive() {
            return 0;
        }

        @Guarded
        public CompletionStage<String> stage() {
            return new CompletableFuture<>();
        }

        @Guarded
        private void hidden() {}

        @Guarded(ttl = "soon")
        public void ttl() {}
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "arguments  | neither key nor once",
                "constant   | is the same whatever the arguments",
                "always     | is the same for each call",
                "name       | no parameter is called 'nobody'",
                "position   | %1 has no value",
                "expression | Use %0 for an argument",
                "allowed    | contradicts the key",
                "again      | cannot be tried again later",
                "queued     | is not queued",
                "abandoned  | needs once",
                "primitive  | no value to return when it is skipped",
                "stage      | would go on when the lease is given back",
                "hidden     | private or static",
                "ttl        | soon",
            })
    void what_is_wrong_is_refused_when_it_is_read(String name, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuardedCall.of(guard, Wrong.class, method(Wrong.class, name)))
                .withMessageContainingAll("@Guarded on Wrong." + name, message);
    }

    @Test
    void defaults_that_only_a_scheduler_can_follow_are_not_meant_for_methods() throws Exception {
        JobGuard queues = JobGuard.builder(store)
                .ticker(ticker)
                .defaults(all -> all.withOnConflict(OnConflict.RESCHEDULE))
                .build();
        assertThat(called(of(queues, "plain"))).isNotNull();
    }
}

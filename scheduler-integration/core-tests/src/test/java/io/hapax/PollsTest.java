package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.ForwardingTicker;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Those who wait for one key take turns to ask, and lose nothing by it, where no message of a release arrives. */
class PollsTest {

    private static final Duration LONG = Duration.ofHours(1);
    private static final JobIdentity NOBODYS = new JobIdentity(new LockKey("nobody's"), null);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final AtomicInteger asked = new AtomicInteger();
    /** Takes the first answer that is asked for, while there is one that is held up. */
    private volatile CompletableFuture<Void> holdUp = CompletableFuture.completedFuture(null);

    private volatile boolean away;
    /** Whether releases are never answered. */
    private volatile boolean silent;

    private volatile Runnable beforeNextChance = () -> {};
    private volatile CompletionStage<Void> lastChance = CompletableFuture.completedFuture(null);

    private final JobGuard holder = guard(memory);
    private final JobGuard guard = guard(new Deaf());

    /** A store of which no release is heard. */
    private final class Deaf extends ForwardingLeaseStore {
        Deaf() {
            super(memory);
        }

        @Override
        public CompletionStage<Acquisition> acquire(LeaseRequest request) {
            // Before it is counted: a test that has seen the count lets the next one go on.
            CompletableFuture<Void> heldUp = holdUp;
            asked.incrementAndGet();
            return away
                    ? CompletableFuture.failedFuture(new LeaseStoreException("away"))
                    : heldUp.thenCompose(goesOn -> super.acquire(request));
        }

        @Override
        public CompletionStage<Boolean> release(Lease lease, Ending ending) {
            return silent ? new CompletableFuture<>() : super.release(lease, ending);
        }

        @Override
        public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
            beforeNextChance.run();
            CompletionStage<Void> chance = super.nextChance(NOBODYS, atMost);
            lastChance = chance;
            return chance;
        }
    }

    private JobGuard guard(ForwardingLeaseStore store) {
        return JobGuard.builder(store).ticker(ticker).build();
    }

    private JobGuard guard(InMemoryLeaseStore store) {
        return JobGuard.builder(store).ticker(ticker).build();
    }

    @AfterEach
    void close() {
        guard.close();
        holder.close();
    }

    private List<CompletableFuture<Admission>> waiting(int count, IntFunction<RunRequest> request) {
        List<CompletableFuture<Admission>> all = IntStream.range(0, count)
                .mapToObj(n -> guard.admitAsync(request.apply(n).waitAtMost(LONG)))
                .toList();
        assertThat(asked.getAndSet(0)).isEqualTo(count);
        assertThat(all).noneMatch(CompletableFuture::isDone);
        return new ArrayList<>(all);
    }

    private static List<CompletableFuture<Admission>> done(List<CompletableFuture<Admission>> all) {
        return all.stream().filter(CompletableFuture::isDone).toList();
    }

    @Test
    void a_thousand_that_wait_for_a_key_ask_once_a_second_altogether() throws Exception {
        try (GuardedRun run = Answered.run(holder.admit(RunRequest.lock("k")))) {
            assertThat(run.isHeld()).isTrue();
            waiting(1000, n -> RunRequest.lock("k"));
            for (int second = 1; second <= 10; second++) {
                int seconds = second;
                ticker.advance(Duration.ofSeconds(1));
                await().until(() -> asked.get() >= seconds);
            }
            assertThat(asked).hasValue(10);
        }
    }

    @Test
    void each_key_is_asked_for() throws Exception {
        try (GuardedRun a = Answered.run(holder.admit(RunRequest.lock("a")));
                GuardedRun b = Answered.run(holder.admit(RunRequest.lock("b")))) {
            List<CompletableFuture<Admission>> ofA = waiting(3, n -> RunRequest.lock("a"));
            List<CompletableFuture<Admission>> ofB = waiting(3, n -> RunRequest.lock("b"));
            a.close();
            b.close();
            ticker.advance(Duration.ofSeconds(1));
            await().until(() -> done(ofA).size() == 1 && done(ofB).size() == 1);
            Answered.run(done(ofA).get(0).join()).close();
            Answered.run(done(ofB).get(0).join()).close();
        }
    }

    @Test
    void a_key_that_is_free_is_taken_within_a_second_and_then_by_one_after_the_other_without_such_a_pause()
            throws Exception {
        GuardedRun run = Answered.run(holder.admit(RunRequest.lock("k")));
        List<CompletableFuture<Admission>> all = waiting(50, n -> RunRequest.lock("k"));
        run.close();
        ticker.advance(Duration.ofSeconds(1));
        for (int n = 1; n <= 50; n++) {
            await().until(() -> done(all).size() == 1);
            CompletableFuture<Admission> first = done(all).get(0);
            all.remove(first);
            Answered.run(first.join()).close();
            ticker.advance(Duration.ofMillis(50));
        }
        assertThat(all).isEmpty();
    }

    @Test
    void those_whose_occurrence_is_over_leave_the_key_to_others_at_once() throws Exception {
        GuardedRun run = Answered.run(holder.admit(RunRequest.lock("k").once("done")));
        List<CompletableFuture<Admission>> same =
                waiting(200, n -> RunRequest.lock("k").once("done"));
        List<CompletableFuture<Admission>> others =
                waiting(2, n -> RunRequest.lock("k").once("other-" + n));
        try (GuardedRun.Scope scope = run.enter()) {
            run.complete();
        }
        ticker.advance(Duration.ofSeconds(1));
        await().until(() -> done(same).size() == 200 && done(others).size() == 1);
        assertThat(same)
                .allSatisfy(answer ->
                        assertThat(Answered.refusal(answer.join()).verdict()).isEqualTo(Verdict.DONE));
        Answered.run(done(others).get(0).join()).close();
        ticker.advance(Duration.ofMillis(50));
        await().until(() -> done(others).size() == 2);
        others.forEach(answer -> Answered.run(answer.join()).close());
    }

    @Test
    void one_that_is_withdrawn_while_it_asks_leaves_its_turn_to_the_next() throws Exception {
        GuardedRun run = Answered.run(holder.admit(RunRequest.lock("k")));
        List<CompletableFuture<Admission>> all = waiting(2, n -> RunRequest.lock("k"));
        run.close();
        holdUp = new CompletableFuture<>();
        ticker.advance(Duration.ofSeconds(1));
        await().until(() -> asked.get() == 1);
        CompletableFuture<Void> heldUp = holdUp;
        holdUp = CompletableFuture.completedFuture(null);
        // It has waited for longest, so it is the one that asks.
        all.get(0).cancel(false);
        await().until(all.get(1)::isDone);
        heldUp.complete(null);
        Answered.run(all.get(1).join()).close();
    }

    @Test
    void runs_that_begin_and_end_at_the_same_time_leave_nobody_behind() {
        InMemoryLeaseStore real = new InMemoryLeaseStore(Ticker.SYSTEM);
        LeaseStore deaf = new ForwardingLeaseStore(real) {
            @Override
            public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
                return super.nextChance(NOBODYS, atMost);
            }
        };
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try (JobGuard busy = JobGuard.builder(deaf).build()) {
            List<CompletableFuture<Admission>> all = new ArrayList<>();
            for (int n = 0; n < 200; n++) {
                int key = n % 5;
                all.add(CompletableFuture.supplyAsync(
                                () -> busy.admitAsync(RunRequest.lock("k" + key).waitAtMost(LONG)), threads)
                        .thenCompose(answer -> answer)
                        .whenComplete((answer, failure) ->
                                threads.execute(() -> Answered.run(answer).close())));
            }
            await().atMost(Duration.ofMinutes(3)).until(() -> all.stream().allMatch(CompletableFuture::isDone));
            await().until(() -> busy.admin().waiting().isEmpty());
        } finally {
            threads.shutdown();
        }
    }

    /** Nobody asks any more: a run that began then would be one that the shutdown does not know of. */
    @Test
    void a_guard_that_is_closed_refuses_all_that_wait_without_another_question() throws Exception {
        GuardedRun run = Answered.run(holder.admit(RunRequest.lock("k")));
        List<CompletableFuture<Admission>> all = waiting(20, n -> RunRequest.lock("k"));
        List<Thread> threads = new CopyOnWriteArrayList<>();
        all.forEach(answer -> answer.thenRun(() -> threads.add(Thread.currentThread())));
        run.close();
        guard.close();
        await().until(() -> done(all).size() == 20);
        assertThat(all)
                .allSatisfy(answer ->
                        assertThat(Answered.refusal(answer.join()).reason()).contains("shut down"));
        assertThat(asked).hasValue(0);
        await().until(() -> guard.admin().waiting().isEmpty());
        await().until(() -> threads.size() == 20);
        assertThat(threads).doesNotContain(Thread.currentThread());
    }

    /** What is told of one that waits is what the last one was told that asked. */
    @Test
    void each_tells_who_holds_the_key_now() throws Exception {
        GuardedRun first = Answered.run(holder.admit(RunRequest.lock("k")));
        waiting(5, n -> RunRequest.lock("k"));
        first.close();
        JobGuard next = JobGuard.builder(memory).ticker(ticker).worker("next").build();
        GuardedRun second = Answered.run(next.admit(RunRequest.lock("k")));
        ticker.advance(Duration.ofSeconds(1));
        await().until(() -> guard.admin().waiting().stream()
                .allMatch(waiting -> waiting.reason().contains("next")));
        second.close();
        next.close();
    }

    /** Slots whose leases lapse become free without a message, and a grant does not mean that the next one is refused. */
    @Test
    void all_slots_that_became_free_are_taken_by_one_after_the_other_at_once() throws Exception {
        RunRequest request = RunRequest.lock("k").tune(options -> options.withConcurrency(20));
        List<GuardedRun> runs = new ArrayList<>();
        for (int n = 0; n < 20; n++) {
            runs.add(Answered.run(holder.admit(request)));
        }
        List<CompletableFuture<Admission>> all = waiting(25, n -> request);
        runs.forEach(GuardedRun::close);
        ticker.advance(Duration.ofSeconds(1));
        await().until(() -> done(all).size() == 20);
        done(all).forEach(answer -> Answered.run(answer.join()).close());
        // One may be asking as these end, after which the others wait for a second.
        await().until(() -> {
            ticker.advance(Duration.ofMillis(50));
            return done(all).size() == 25;
        });
        done(all).forEach(answer -> Answered.run(answer.join()).close());
    }

    @Test
    void a_wait_that_begins_when_its_run_is_withdrawn_already_ends_at_once() throws Exception {
        try (GuardedRun run = Answered.run(holder.admit(RunRequest.lock("k")))) {
            assertThat(run.isHeld()).isTrue();
            CompletableFuture<Admission> answer =
                    waiting(1, n -> RunRequest.lock("k")).get(0);
            beforeNextChance = () -> answer.cancel(false);
            CompletionStage<Void> before = lastChance;
            ticker.advance(Duration.ofSeconds(1));
            await().until(() ->
                    lastChance != before && lastChance.toCompletableFuture().isDone());
            await().until(() -> guard.admin().waiting().isEmpty());
        }
    }

    @Test
    void runs_that_a_throttle_refuses_do_not_keep_the_turn_from_others() throws Exception {
        RunRequest throttled = RunRequest.lock("k").tune(options -> options.with("throttle", "1/1h"));
        Answered.run(holder.admit(throttled)).complete();
        GuardedRun run = Answered.run(holder.admit(RunRequest.lock("k")));
        List<CompletableFuture<Admission>> all = waiting(31, n -> n < 30 ? throttled : RunRequest.lock("k"));
        run.close();
        ticker.advance(Duration.ofSeconds(1));
        await().until(all.get(30)::isDone);
        Answered.run(all.get(30).join()).close();
        assertThat(all.subList(0, 30)).noneMatch(CompletableFuture::isDone);
    }

    /** Turns of others would come first, one each second. */
    @Test
    void a_thread_whose_own_run_is_in_the_way_hears_of_it_soon_even_if_something_else_was_in_the_way_before()
            throws Exception {
        GuardedRun outer = Answered.run(guard.admit(RunRequest.lock("k")));
        away = true;
        asked.set(0);
        waiting(5, n -> RunRequest.lock("k"));
        CompletionStage<Void> before = lastChance;
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            CompletableFuture<Admission> inner = new CompletableFuture<>();
            thread.execute(() -> {
                try (GuardedRun.Scope scope = outer.enter()) {
                    inner.complete(guard.admit(RunRequest.lock("k").waitAtMost(LONG)));
                } catch (Throwable failure) {
                    inner.completeExceptionally(failure);
                }
            });
            await().until(() -> lastChance != before);
            away = false;
            ticker.advance(Duration.ofSeconds(2));
            // Its thread may have had no processor when its wait began.
            await().pollInterval(Duration.ofMillis(10)).until(() -> {
                ticker.advance(Duration.ofMillis(20));
                return inner.isDone();
            });
            assertThat(Answered.refusal(inner.join()).reason()).contains("this thread itself holds it");
        } finally {
            thread.shutdown();
            outer.close();
        }
    }

    @Test
    void one_whose_code_blocks_when_the_guard_is_closed_holds_nobody_up() throws Exception {
        GuardedRun run = Answered.run(holder.admit(RunRequest.lock("k")));
        List<CompletableFuture<Admission>> all = waiting(20, n -> RunRequest.lock("k"));
        CountDownLatch goOn = new CountDownLatch(1);
        var unused = all.get(0).thenRun(() -> awaitUninterruptibly(goOn));
        try {
            guard.close();
            await().until(() -> done(all).size() == 20);
        } finally {
            goOn.countDown();
            run.close();
        }
    }

    /** More than there are threads for parting, and more than there are threads for deadlines beside these. */
    @Test
    void those_whose_code_blocks_when_the_guard_is_closed_hold_up_no_deadline() throws Exception {
        List<GuardedRun> held = new ArrayList<>();
        for (int n = 0; n < 24; n++) {
            held.add(Answered.run(holder.admit(RunRequest.lock("k" + n))));
        }
        GuardedRun run = Answered.run(guard.admit(RunRequest.lock("own")));
        asked.set(0);
        closeWhile(run, waiting(24, n -> RunRequest.lock("k" + n)));
        held.forEach(GuardedRun::close);
    }

    @Test
    void those_whose_code_blocks_when_the_store_does_not_answer_until_the_guard_is_closed_hold_up_no_deadline()
            throws Exception {
        GuardedRun run = Answered.run(guard.admit(RunRequest.lock("own")));
        holdUp = new CompletableFuture<>();
        closeWhile(
                run,
                IntStream.range(0, 24)
                        .mapToObj(n -> guard.admitAsync(RunRequest.lock("k" + n).waitAtMost(LONG)))
                        .toList());
    }

    /** The end of a run that the store does not answer needs a deadline. */
    private void closeWhile(GuardedRun run, List<CompletableFuture<Admission>> all) {
        CountDownLatch goOn = new CountDownLatch(1);
        all.forEach(answer -> answer.thenRun(() -> awaitUninterruptibly(goOn)));
        silent = true;
        try {
            guard.close();
            for (int second = 0; second < 20; second++) {
                ticker.advance(Duration.ofSeconds(1));
            }
            CompletableFuture<?> end = run.completeAsync();
            await().until(() -> {
                ticker.advance(Duration.ofSeconds(1));
                return end.isDone();
            });
        } finally {
            goOn.countDown();
            silent = false;
        }
        await().until(() -> done(all).size() == 24);
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The polls alone, whose callers need not be able to bear code of those who wait. */
    @Nested
    class Alone {

        private static final Duration SECOND = Duration.ofSeconds(1);

        private final Watchdog watchdog = new Watchdog(memory, null, Ticker.SYSTEM, Notifier.threads(), () -> {});

        @AfterEach
        void stop() {
            watchdog.all().forEach(watchdog::remove);
            watchdog.stopWhenEmpty();
        }

        private Polls.What key(Object name) {
            return new Polls.What(new LockKey("k" + name), 1);
        }

        @Test
        void nobody_is_woken_up_on_the_thread_of_a_caller() {
            Polls polls = new Polls(SECOND, Ticker.SYSTEM);
            Set<Thread> threads = ConcurrentHashMap.newKeySet();
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (int n = 0; n < 5000; n++) {
                CompletableFuture<Void> wait = new CompletableFuture<>();
                all.add(wait.exceptionally(turn -> {
                    threads.add(Thread.currentThread());
                    return null;
                }));
                polls.join(key(n), wait, Duration.ZERO, "", watchdog);
            }
            await().until(() -> all.stream().allMatch(CompletableFuture::isDone));
            assertThat(threads).isNotEmpty().doesNotContain(Thread.currentThread());
            polls.close(watchdog);
        }

        @Test
        void those_whose_code_blocks_when_all_waits_end_hold_up_no_deadline() throws Exception {
            Polls polls = new Polls(LONG, Ticker.SYSTEM);
            CountDownLatch goOn = new CountDownLatch(1);
            AtomicInteger blocked = new AtomicInteger();
            for (int n = 0; n < 8; n++) {
                CompletableFuture<Void> wait = new CompletableFuture<>();
                var unused = wait.exceptionally(end -> {
                    blocked.incrementAndGet();
                    awaitUninterruptibly(goOn);
                    return null;
                });
                polls.join(key(n), wait, LONG, "", watchdog);
            }
            try {
                polls.close(watchdog);
                await().until(() -> blocked.get() >= 4);
                CountDownLatch deadline = new CountDownLatch(1);
                watchdog.later(deadline::countDown);
                assertThat(deadline.await(40, TimeUnit.SECONDS)).isTrue();
            } finally {
                goOn.countDown();
            }
        }

        /** A caller that is woken up asks first, and leaves when it may have been refused again. */
        @Test
        void who_comes_while_another_one_asks_waits_no_longer_than_he_wants() {
            Polls polls = new Polls(LONG, Ticker.SYSTEM);
            CompletableFuture<Void> over = new CompletableFuture<>();
            CompletableFuture<Void> next = new CompletableFuture<>();
            polls.join(key("ey"), over, LONG, "", watchdog);
            NanoTime asks = Ticker.SYSTEM.now();
            polls.join(key("ey"), next, Duration.ofMillis(100), "", watchdog);
            CompletableFuture<Void> unneeded = polls.leave(key("ey"), over, asks);
            assertThat(unneeded).as("the alarm of the other one").isNull();
            await().until(next::isDone);
            assertThat(over).isNotDone();
            polls.close(watchdog);
        }

        @Test
        void an_alarm_that_could_not_be_set_is_set_by_the_next_who_comes() {
            AtomicInteger until = new AtomicInteger(Integer.MAX_VALUE);
            Polls polls = new Polls(LONG, new ForwardingTicker(Ticker.SYSTEM) {
                @Override
                public NanoTime now() {
                    if (until.decrementAndGet() == 0) {
                        throw new OutOfMemoryError("as if");
                    }
                    return super.now();
                }
            });
            CompletableFuture<Void> first = new CompletableFuture<>();
            polls.join(key("ey"), first, LONG, "", watchdog);
            CompletableFuture<Void> unlucky = new CompletableFuture<>();
            CompletableFuture<Void> next = new CompletableFuture<>();
            // The second look at the clock is that for the alarm.
            until.set(2);
            assertThatThrownBy(() -> polls.join(key("ey"), unlucky, Duration.ZERO, "", watchdog))
                    .isInstanceOf(OutOfMemoryError.class);
            polls.join(key("ey"), next, LONG, "", watchdog);
            await().until(first::isDone);
            assertThat(unlucky).isNotDone();
            assertThat(next).isNotDone();
            polls.close(watchdog);
        }
    }
}

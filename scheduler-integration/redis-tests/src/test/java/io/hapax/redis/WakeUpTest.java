package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.grantedForLong;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.RunRequest;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.OwnThread;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** Whoever waits hears of a release, soon, and costs nothing when nobody waits. */
@Tag("slow")
class WakeUpTest {

    private static final Duration LONG = Duration.ofSeconds(30);
    private static final String FLAG = "hapax:{w:0}:w:l:k";
    private static final String LEASE = "hapax:{w:0}:l:k";
    /** A message that comes before its process waits is remembered for a second, in which this machine may stand still. */
    private static final Duration FORGOTTEN = Duration.ofSeconds(5);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore holder = open();
    private final RedissonLeaseStore waiter = open();

    private RedissonLeaseStore open() {
        return RedissonLeaseStore.builder()
                .url(redis.url())
                .namespace("w")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now())
                .build();
    }

    @AfterEach
    void stop() {
        holder.close();
        waiter.close();
        redis.close();
    }

    private String subscribers() {
        return redis.command("PUBSUB", "NUMSUB", "hapax:w:wake").lines().reduce("", (a, b) -> b);
    }

    private void denied(RedissonLeaseStore store) {
        get(store.acquire(new LeaseRequest(lock("k"), OwnerId.random(), "w", LONG, true)));
    }

    @Test
    void a_release_wakes_a_waiter_of_another_client_long_before_it_would_have_asked_again() {
        Lease lease = grantedForLong(holder, lock("k"));
        denied(waiter);
        CompletableFuture<Void> chance = waiter.nextChance(lock("k"), LONG).toCompletableFuture();
        await().until(() -> subscribers().equals("1"));
        assertThat(chance).isNotDone();
        get(holder.release(lease, Ending.NOT_DONE));
        // It would have asked again after half a minute.
        assertThat(chance).succeedsWithin(Duration.ofSeconds(20));
        // Who waited is told first.
        await().until(() -> waiter.waiters() == 0);
    }

    @Test
    void a_release_before_the_subscription_stands_is_not_missed() {
        Lease lease = grantedForLong(holder, lock("k"));
        denied(waiter);
        get(holder.release(lease, Ending.NOT_DONE));
        assertThat(waiter.nextChance(lock("k"), LONG).toCompletableFuture()).succeedsWithin(Duration.ofSeconds(20));
        // Who waited is told first.
        await().until(() -> waiter.waiters() == 0);
    }

    @Test
    void waiting_goes_on_while_the_key_is_held_and_only_for_that_key() {
        grantedForLong(holder, lock("k"));
        Lease other = grantedForLong(holder, lock("other"));
        denied(waiter);
        CompletableFuture<Void> chance = waiter.nextChance(lock("k"), LONG).toCompletableFuture();
        await().until(() -> subscribers().equals("1"));
        get(waiter.acquire(new LeaseRequest(lock("other"), OwnerId.random(), "w", LONG, true)));
        get(holder.release(other, Ending.NOT_DONE));
        get(waiter.admin().holder(lock("k")));
        assertThat(chance).isNotDone();
        chance.cancel(true);
        // Who waited is told first.
        await().until(() -> waiter.waiters() == 0);
    }

    /** Once a subscription stands, each key that is waited for is looked at; later waits hear of messages alone. */
    private static void subscribe(RedissonLeaseStore store) {
        assertThat(store.nextChance(lock("free"), LONG).toCompletableFuture()).succeedsWithin(Duration.ofSeconds(20));
    }

    private static CompletableFuture<Void> waits(RedissonLeaseStore store) {
        return store.nextChance(lock("k"), LONG).toCompletableFuture();
    }

    /** The process that was refused first is named; the other one stays noted. */
    @Test
    void a_release_wakes_one_process_and_the_next_one_another() {
        try (RedissonLeaseStore other = open()) {
            subscribe(waiter);
            subscribe(other);
            Lease lease = grantedForLong(holder, lock("k"));
            denied(waiter);
            denied(other);
            CompletableFuture<Void> first = waits(waiter);
            CompletableFuture<Void> second = waits(other);
            await().until(() -> subscribers().equals("2"));
            get(holder.release(lease, Ending.NOT_DONE));
            assertThat(first).succeedsWithin(Duration.ofSeconds(20));
            assertThat(second).isNotDone();

            Lease next = grantedForLong(holder, lock("k"));
            // What is left lives for five seconds, in which this machine may stand still; it would ask again by itself.
            denied(other);
            assertThat(redis.command("GET", FLAG)).matches("1;[A-Za-z0-9_-]+;");
            get(holder.release(next, Ending.NOT_DONE));
            assertThat(second).succeedsWithin(Duration.ofSeconds(20));
            assertThat(redis.command("EXISTS", FLAG)).isEqualTo("0");
        }
    }

    @Test
    void a_process_that_is_named_where_nobody_waits_any_more_passes_it_on() {
        try (RedissonLeaseStore other = open()) {
            subscribe(waiter);
            subscribe(other);
            Lease lease = grantedForLong(holder, lock("k"));
            denied(waiter);
            denied(other);
            CompletableFuture<Void> givenUp = waits(waiter);
            CompletableFuture<Void> second = waits(other);
            await().until(() -> subscribers().equals("2"));
            givenUp.cancel(true);
            await().until(() -> waiter.waiters() == 0);
            releaseAndKeepTheOthers(lease, Ending.NOT_DONE);
            assertThat(second).succeedsWithin(Duration.ofSeconds(20));
        }
    }

    /** The attempt that was refused has not begun to wait yet. */
    @Test
    void a_process_that_is_named_before_its_attempt_waits_asks_again_at_once() {
        subscribe(waiter);
        Lease lease = grantedForLong(holder, lock("k"));
        denied(waiter);
        get(holder.release(lease, Ending.NOT_DONE));
        // The message may come before any of them, or between two.
        List<CompletableFuture<Void>> all = new ArrayList<>();
        await().until(() -> {
            all.add(waits(waiter));
            return all.stream().anyMatch(CompletableFuture::isDone);
        });
    }

    /** What it waited to run is over, so it takes nothing, and is not noted again. */
    @Test
    void whoever_is_woken_and_finds_its_occurrence_over_leaves_the_key_to_the_next_one() {
        try (RedissonLeaseStore other = open()) {
            subscribe(waiter);
            subscribe(other);
            JobIdentity occurrence = new JobIdentity(new LockKey("k"), new RunKey("r"));
            Lease lease = grantedForLong(holder, occurrence);
            get(waiter.acquire(new LeaseRequest(occurrence, OwnerId.random(), "w", LONG, true)));
            denied(other);
            CompletableFuture<Void> first = waits(waiter);
            CompletableFuture<Void> second = waits(other);
            await().until(() -> subscribers().equals("2"));
            releaseAndKeepTheOthers(lease, Ending.done(LONG));
            assertThat(first).succeedsWithin(Duration.ofSeconds(20));
            assertThat(get(waiter.acquire(new LeaseRequest(occurrence, OwnerId.random(), "w", LONG, true))))
                    .isInstanceOf(Acquisition.Done.class);
            assertThat(second).succeedsWithin(Duration.ofSeconds(20));
        }
    }

    /** What it was woken for is withdrawn before it asks, or while it does. */
    @Test
    void whoever_is_withdrawn_just_as_it_is_woken_leaves_the_key_to_its_neighbour() {
        subscribe(waiter);
        Lease lease = grantedForLong(holder, lock("k"));
        LeaseRequest request = waiting();
        get(waiter.acquire(request));
        CompletableFuture<Void> first = waits(waiter);
        CompletableFuture<Void> second = waits(waiter);
        get(holder.release(lease, Ending.NOT_DONE));
        assertThat(first).succeedsWithin(Duration.ofSeconds(20));
        assertThat(second).isNotDone();
        get(waiter.withdraw(request));
        assertThat(second).succeedsWithin(Duration.ofSeconds(20));
    }

    @Test
    void whoever_is_withdrawn_just_as_it_is_woken_leaves_the_key_to_the_next_process() {
        try (RedissonLeaseStore other = open()) {
            subscribe(waiter);
            subscribe(other);
            Lease lease = grantedForLong(holder, lock("k"));
            LeaseRequest request = waiting();
            get(waiter.acquire(request));
            denied(other);
            CompletableFuture<Void> first = waits(waiter);
            CompletableFuture<Void> second = waits(other);
            releaseAndKeepTheOthers(lease, Ending.NOT_DONE);
            assertThat(first).succeedsWithin(Duration.ofSeconds(20));
            assertThat(second).isNotDone();
            get(waiter.withdraw(request));
            assertThat(second).succeedsWithin(Duration.ofSeconds(20));
        }
    }

    @Test
    void whoever_is_named_before_it_waits_and_is_withdrawn_leaves_the_key_to_the_next_one() {
        subscribe(waiter);
        LeaseRequest request = waiting();
        AtomicLong namedAt = new AtomicLong(nameWaiter(request));
        // The message may come before any of them, or between two.
        List<CompletableFuture<Void>> all = new ArrayList<>();
        await().pollDelay(Duration.ZERO).pollInSameThread().until(() -> {
            if (System.nanoTime() - namedAt.get() > FORGOTTEN.toNanos()) {
                all.forEach(wait -> wait.cancel(true));
                all.clear();
                namedAt.set(nameWaiter(request));
            }
            all.add(waits(waiter));
            return all.stream().anyMatch(CompletableFuture::isDone);
        });
        CompletableFuture<Void> next = waits(waiter);
        all.stream().filter(wait -> !wait.isDone()).forEach(wait -> wait.cancel(true));
        get(waiter.withdraw(request));
        assertThat(next).succeedsWithin(Duration.ofSeconds(20));
    }

    /** Has a message name the process of a request that was refused; returns when. */
    private long nameWaiter(LeaseRequest request) {
        Lease lease = grantedForLong(holder, lock("k"));
        get(waiter.acquire(request));
        get(holder.release(lease, Ending.NOT_DONE));
        return System.nanoTime();
    }

    /** It may have been granted the lease without hearing of it; Redis knows of nobody who waits. */
    @Test
    void a_request_that_is_withdrawn_leaves_what_it_was_granted_to_its_neighbour() {
        subscribe(waiter);
        LeaseRequest request = waiting();
        get(waiter.acquire(request));
        CompletableFuture<Void> neighbour = waits(waiter);
        get(waiter.withdraw(request));
        assertThat(neighbour).succeedsWithin(Duration.ofSeconds(20));
    }

    @Test
    void a_withdrawal_that_gives_nothing_back_wakes_nobody() {
        grantedForLong(holder, lock("k"));
        subscribe(waiter);
        LeaseRequest request = waiting();
        get(waiter.acquire(request));
        CompletableFuture<Void> neighbour = waits(waiter);
        get(waiter.withdraw(request));
        get(waiter.admin().holder(lock("k")));
        assertThat(neighbour).isNotDone();
    }

    /** Two that wait would wake each other, as fast as the store refuses. */
    @Test
    void a_waiting_run_that_a_store_in_trouble_refuses_wakes_nobody() {
        subscribe(waiter);
        Lease lease = grantedForLong(holder, lock("k"));
        denied(waiter);
        CompletableFuture<Void> first = waits(waiter);
        CompletableFuture<Void> second = waits(waiter);
        get(holder.release(lease, Ending.NOT_DONE));
        assertThat(first).succeedsWithin(Duration.ofSeconds(20));
        redis.command("CONFIG", "SET", "maxmemory", "1");
        LeaseRequest request = waiting();
        assertThat(waiter.acquire(request).toCompletableFuture()).failsWithin(Duration.ofSeconds(20));
        // As a guard does then; nothing was granted.
        get(waiter.withdraw(request));
        get(waiter.admin().holder(lock("k")));
        assertThat(second).isNotDone();

        redis.command("CONFIG", "SET", "maxmemory", "0");
        get(waiter.release(grantedForLong(waiter, lock("k")), Ending.NOT_DONE));
        assertThat(second).succeedsWithin(Duration.ofSeconds(20));
    }

    /** Code of a neighbour may follow, and may take long. */
    @Test
    void a_neighbour_does_not_go_on_on_the_thread_of_a_caller_that_gives_the_key_back() {
        LeaseStore blocking = waiter.blocking();
        subscribe(waiter);
        Lease lease = grantedForLong(blocking, lock("k"));
        CompletableFuture<Thread> neighbour = waits(waiter).thenApply(woken -> Thread.currentThread());
        get(blocking.release(lease, Ending.NOT_DONE));
        assertThat(neighbour).succeedsWithin(Duration.ofSeconds(20)).isNotSameAs(Thread.currentThread());
    }

    @Test
    void a_neighbour_does_not_go_on_on_the_thread_of_a_caller_that_was_woken_and_finds_its_occurrence_over() {
        LeaseStore blocking = waiter.blocking();
        subscribe(waiter);
        JobIdentity occurrence = new JobIdentity(new LockKey("k"), new RunKey("r"));
        Lease lease = grantedForLong(holder, occurrence);
        denied(waiter);
        CompletableFuture<Void> first = waits(waiter);
        CompletableFuture<Thread> neighbour = waits(waiter).thenApply(woken -> Thread.currentThread());
        get(holder.release(lease, Ending.done(LONG)));
        assertThat(first).succeedsWithin(Duration.ofSeconds(20));
        assertThat(get(blocking.acquire(new LeaseRequest(occurrence, OwnerId.random(), "w", LONG, true))))
                .isInstanceOf(Acquisition.Done.class);
        assertThat(neighbour).succeedsWithin(Duration.ofSeconds(20)).isNotSameAs(Thread.currentThread());
    }

    private String flag() {
        return redis.command("GET", FLAG).trim();
    }

    private String withoutTheFirst() {
        return "1;" + flag().substring(flag().indexOf(';', "1;".length()) + 1);
    }

    /** What a release leaves of those who wait lives for five seconds, in which this machine may stand still. */
    private void releaseAndKeepTheOthers(Lease lease, Ending ending) {
        String others = withoutTheFirst();
        get(holder.release(lease, ending));
        redis.command("SET", FLAG, others, "PX", "60000");
    }

    @Test
    void names_of_processes_that_ended_while_they_waited_do_not_pile_up() {
        grantedForLong(holder, lock("k"));
        // Twice, as the first request is asked in another script than later ones.
        for (String limit : List.of("1", "1", "3;*")) {
            String ended = IntStream.range(0, 500).mapToObj(n -> ";ended" + n).collect(Collectors.joining());
            redis.command("SET", FLAG, limit + ended + ";", "PX", "30000");
            denied(waiter);
            assertThat(flag()).hasSizeLessThan(800).matches("1;.*;ended499;[A-Za-z0-9_-]{10};");
            assertThat(flag().contains("*")).isEqualTo(limit.contains("*"));
        }
    }

    @Test
    void a_store_that_is_closed_takes_its_name_out_of_those_who_wait() {
        atOneOfThreeEnds(() -> {
            redis.command("DEL", FLAG, LEASE);
            grantedForLong(holder, lock("k"));
            RedissonLeaseStore other = open();
            denied(other);
            denied(waiter);
            assertThat(flag()).matches("1;[A-Za-z0-9_-]{10};[A-Za-z0-9_-]{10};");
            String rest = withoutTheFirst();
            String ttl = redis.command("PTTL", FLAG).trim();
            other.close();
            if (!soon(() -> flag().equals(rest))) {
                return false;
            }
            assertThat(Long.parseLong(redis.command("PTTL", FLAG).trim()))
                    .isPositive()
                    .isLessThanOrEqualTo(Long.parseLong(ttl));
            return true;
        });
        atOneOfThreeEnds(() -> {
            redis.command("DEL", FLAG, LEASE);
            grantedForLong(holder, lock("k"));
            RedissonLeaseStore last = open();
            denied(last);
            last.close();
            return soon(() -> redis.command("EXISTS", FLAG).trim().equals("0"));
        });
    }

    /**
     * What a store asks for when it is closed is not waited for longer than half a second, in which a busy machine may not have sent it. A
     * store that does not ask for it does so never.
     */
    private static void atOneOfThreeEnds(BooleanSupplier isAsItShould) {
        boolean once = false;
        for (int end = 0; end < 3 && !once; end++) {
            once = isAsItShould.getAsBoolean();
        }
        assertThat(once).isTrue();
    }

    private static boolean soon(BooleanSupplier condition) {
        try {
            await().atMost(Duration.ofSeconds(10)).until(condition::getAsBoolean);
            return true;
        } catch (ConditionTimeoutException never) {
            return false;
        }
    }

    @Test
    void a_store_that_is_closed_when_it_was_woken_leaves_the_key_to_the_next_process() {
        subscribe(waiter);
        atOneOfThreeEnds(() -> {
            redis.command("DEL", FLAG);
            RedissonLeaseStore other = open();
            subscribe(other);
            Lease lease = grantedForLong(holder, lock("k"));
            denied(other);
            denied(waiter);
            CompletableFuture<Void> first = waits(other);
            CompletableFuture<Void> second = waits(waiter);
            releaseAndKeepTheOthers(lease, Ending.NOT_DONE);
            assertThat(first).succeedsWithin(Duration.ofSeconds(20));
            assertThat(second).isNotDone();
            other.close();
            boolean isWoken = soon(second::isDone);
            second.cancel(true);
            return isWoken;
        });
    }

    private boolean prolongedIfPassedOn() {
        String script = """
                local left = redis.call('PTTL', KEYS[1])
                return left > 0 and left <= 5000 and redis.call('PEXPIRE', KEYS[1], 60000) or 0
                """;
        return redis.command("EVAL", script, "1", FLAG).trim().equals("1");
    }

    /** Slots are held, so who waits for fewer of them must not be overtaken by who wants more. */
    @Test
    void a_wake_up_that_is_passed_on_while_slots_are_held_keeps_the_smallest_limit() {
        subscribe(waiter);
        grantedForLong(holder, new JobIdentity(new LockKey("k"), null, new Slot(1, 2)));
        denied(waiter);
        String process = flag().substring("1;".length()).replace(";", "");
        // What is left lives for five seconds, in which this machine may stand still.
        await().until(() -> {
            if (redis.command("EXISTS", FLAG).trim().equals("0")) {
                denied(waiter);
            }
            redis.command("PUBLISH", "hapax:w:wake", ";" + process + ";hapax:{w:0}:l:k");
            return prolongedIfPassedOn();
        });
        assertThat(get(holder.acquire(new LeaseRequest(
                        new JobIdentity(new LockKey("k"), null, new Slot(2, 2)), OwnerId.random(), "w", LONG, false))))
                .isInstanceOf(Acquisition.Held.class);
        assertThat(flag()).isEqualTo("1;" + process + ";");
    }

    private static LeaseRequest waiting() {
        return new LeaseRequest(lock("k"), OwnerId.random(), "w", LONG, true);
    }

    @Test
    void of_several_that_wait_in_a_process_each_release_wakes_one() {
        subscribe(waiter);
        Lease lease = grantedForLong(holder, lock("k"));
        denied(waiter);
        CompletableFuture<Void> first = waits(waiter);
        CompletableFuture<Void> second = waits(waiter);
        await().until(() -> subscribers().equals("1"));
        get(holder.release(lease, Ending.NOT_DONE));
        assertThat(first).succeedsWithin(Duration.ofSeconds(20));
        assertThat(second).isNotDone();

        // It was not refused again, so Redis knows of nobody who waits.
        get(waiter.release(grantedForLong(waiter, lock("k")), Ending.NOT_DONE));
        assertThat(second).succeedsWithin(Duration.ofSeconds(20));
    }

    /** A slot that is free may be of use to any of them. */
    @Test
    void who_waits_for_a_slot_hears_of_every_release() {
        JobIdentity slot = new JobIdentity(new LockKey("k"), null, new Slot(1, 2));
        try (RedissonLeaseStore other = open()) {
            subscribe(waiter);
            subscribe(other);
            Lease lease = grantedForLong(holder, lock("k"));
            denied(waiter);
            get(other.acquire(new LeaseRequest(slot, OwnerId.random(), "w", LONG, true)));
            CompletableFuture<Void> whole = waits(waiter);
            CompletableFuture<Void> ofSlot = other.nextChance(slot, LONG).toCompletableFuture();
            await().until(() -> subscribers().equals("2"));
            get(holder.release(lease, Ending.NOT_DONE));
            assertThat(whole).succeedsWithin(Duration.ofSeconds(20));
            assertThat(ofSlot).succeedsWithin(Duration.ofSeconds(20));
        }
    }

    @Test
    void nothing_is_published_when_nobody_waits() {
        get(holder.release(grantedForLong(holder, lock("k")), Ending.NOT_DONE));
        assertThat(redis.commandStats()).doesNotContainKeys("publish", "subscribe");
    }

    @Test
    void a_waiting_run_of_another_client_takes_over_sooner_than_by_asking_again() throws Exception {
        Fastest.time(Duration.ofMillis(700), this::timeToTakeOver);
    }

    /** The next poll would come after a second. */
    private Duration timeToTakeOver() throws Exception {
        try (JobGuard first = JobGuard.builder(holder).build();
                JobGuard second = JobGuard.builder(waiter).build()) {
            CompletableFuture<Boolean> taken;
            long freedAt;
            var run = first.admit(RunRequest.lock("k")).fold(admitted -> admitted, refusal -> null);
            taken = OwnThread.supply(() -> {
                try {
                    return second.run(
                                    RunRequest.lock("k")
                                            .tune(o -> o.withOnConflict(OnConflict.WAIT)
                                                    .withWaitTimeout(LONG)),
                                    r -> null)
                            .ran();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            await().until(() -> subscribers().equals("1"));
            // Right after a poll, so that the next one would come a second later.
            Map<String, Long> before = redis.commandStats();
            await().pollInterval(Duration.ofMillis(10))
                    .until(() -> redis.commandStats().get("evalsha") > before.get("evalsha"));
            freedAt = System.nanoTime();
            run.close();
            assertThat(taken.get(1, TimeUnit.MINUTES)).isTrue();
            return Duration.ofNanos(System.nanoTime() - freedAt);
        }
    }

    /** As where a message is lost. Of those that wait one asks each second, and each leaves the key to the next. */
    @Test
    void a_key_of_whose_end_nobody_hears_is_taken_all_the_same_and_by_all_that_wait() {
        get(holder.acquire(new LeaseRequest(lock("k"), OwnerId.random(), "w", LONG, false)));
        ExecutorService threads = Executors.newCachedThreadPool();
        try (JobGuard guard = JobGuard.builder(waiter).build()) {
            List<CompletableFuture<Void>> all = IntStream.range(0, 100)
                    .mapToObj(n -> guard.admitAsync(RunRequest.lock("k").waitAtMost(Duration.ofMinutes(5)))
                            .thenAcceptAsync(
                                    admission -> admission
                                            .fold(run -> run, refusal -> {
                                                throw new AssertionError(refusal);
                                            })
                                            .close(),
                                    threads))
                    .toList();
            await().until(() -> guard.admin().waiting().size() == 100);
            redis.command("DEL", "hapax:{w:0}:l:k");
            await().atMost(Duration.ofMinutes(3)).until(() -> all.stream().allMatch(CompletableFuture::isDone));
            assertThat(all).noneMatch(CompletableFuture::isCompletedExceptionally);
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void a_closed_store_leaves_no_subscription_in_the_applications_client() {
        Config config = new Config();
        config.useSingleServer().setAddress(redis.url());
        RedissonClient client = Redisson.create(config);
        try {
            RedissonLeaseStore store = RedissonLeaseStore.builder()
                    .client(client)
                    .namespace("w")
                    .firstStart(WallClock.now())
                    .build();
            get(store.nextChance(lock("k"), Duration.ofMillis(10)));
            await().until(() -> subscribers().equals("1"));
            store.close();
            await().until(() -> subscribers().equals("0"));
            assertThat(client.isShutdown()).isFalse();
            assertThat(client.getBucket("still-there").isExists()).isFalse();
        } finally {
            client.shutdown();
        }
    }

    @Test
    void wake_ups_work_again_after_a_restart() {
        get(waiter.nextChance(lock("k"), Duration.ofMillis(10)));
        await().until(() -> subscribers().equals("1"));
        redis.restart();
        await().ignoreExceptions().until(() -> subscribers().equals("1"));
    }
}

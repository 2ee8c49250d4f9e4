package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.Renewal;
import io.hapax.lease.RunKey;
import io.hapax.ops.AdministeredStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Servers of a quorum that are killed, frozen and emptied under real guards. Leases live 10 s. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class QuorumFaultsTest {

    private static final Duration TTL = Duration.ofSeconds(10);
    private static final Duration PER_SERVER = Duration.ofSeconds(2);
    /** Per server, too; nobody waits for it. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** The longest with which a guard's answer timeout, of a fifth of the ttl, leaves time for an attempt. */
    private static final Duration PER_SERVER_OF_A_GUARD = Duration.ofMillis(600);
    /** Firings at which somebody gets it. */
    private static final int LUCKY = 10;
    /**
     * Firings at which a busy machine may keep all contenders waiting until they give up: each time both servers have to answer within a third
     * of a second. Contenders that get in each other's way lose most of the firings.
     */
    private static final int UNLUCKY = 10;

    private static final String LEASE = "hapax:{redis-test:0}:l:k";
    private static final String[] KEYS_OF_LEASES = {"KEYS", "hapax:*:l:*"};

    private final List<EmbeddedRedis> servers = new ArrayList<>();
    private final List<EmbeddedRedis> frozen = new ArrayList<>();
    private final List<JobGuard> guards = new ArrayList<>();

    @AfterEach
    void stop() {
        boolean unused = Thread.interrupted();
        frozen.forEach(EmbeddedRedis::thaw);
        guards.forEach(JobGuard::close);
        servers.forEach(EmbeddedRedis::close);
    }

    private static Acquisition acquire(LeaseStore store) {
        return Fixture.get(store.acquire(Fixture.request(Fixture.lock("k"), TTL)));
    }

    private static Lease granted(LeaseStore store) {
        return ((Acquisition.Granted) acquire(store)).lease();
    }

    private void servers(int count) {
        Stream.generate(EmbeddedRedis::start).limit(count).forEach(servers::add);
    }

    private RedissonLeaseStore.Builder settings() {
        return RedissonLeaseStore.builder()
                .namespace("redis-test")
                .longestTtl(TTL)
                .firstStart(WallClock.now());
    }

    private List<String> urls() {
        return servers.stream().map(EmbeddedRedis::url).toList();
    }

    /** Waits longer for a server than in production: a machine that is busy is no fault of a server. */
    private AdministeredStore store() {
        return QuorumOpening.openWaiting(urls(), settings(), PER_SERVER.multipliedBy(4), PER_SERVER);
    }

    /**
     * For tests in which all servers answer. A request whose answer is late is sent once more, and would be carried out again after what the
     * test has done to the server meanwhile.
     */
    private AdministeredStore patient() {
        return QuorumOpening.openWaiting(urls(), settings(), PATIENCE.multipliedBy(4), PATIENCE);
    }

    private JobGuard guard(String worker) {
        JobGuard guard = JobGuard.builder(
                        QuorumOpening.openWaiting(urls(), settings(), TTL.dividedBy(5), PER_SERVER_OF_A_GUARD))
                .worker(worker)
                .defaults(options -> options.withTtl(TTL))
                .closesStore()
                .build();
        guards.add(guard);
        return guard;
    }

    private static RunRequest occurrence(int number) {
        return RunRequest.lock("account").once("payment/" + number);
    }

    /** Asks again when a machine that is busy has let the short answer timeout pass. */
    private static GuardedRun admitted(JobGuard guard, RunRequest request) {
        return eventually()
                .pollInSameThread()
                .until(
                        () -> guard.admit(request).fold(run -> run, refusal -> {
                            assertThat(refusal.verdict()).isEqualTo(Verdict.UNAVAILABLE);
                            return null;
                        }),
                        run -> run != null);
    }

    /** Asks again, too. */
    private static Verdict verdict(JobGuard guard, RunRequest request) {
        return eventually()
                .pollInSameThread()
                .until(() -> refused(guard, request).verdict(), verdict -> verdict != Verdict.UNAVAILABLE);
    }

    /** As {@link Fixture#complete}: each server that is left has to answer soon, or the answer comes later. */
    private static void complete(GuardedRun run, JobGuard asked, RunRequest request) {
        assertThat(run.complete()).isIn(RunOutcome.COMPLETED, RunOutcome.UNCONFIRMED);
        eventually().pollInSameThread().until(() -> refused(asked, request).verdict() == Verdict.DONE);
    }

    private static Refusal refused(JobGuard guard, RunRequest request) throws InterruptedException {
        return guard.admit(request)
                .fold(
                        run -> {
                            throw new AssertionError("was admitted: " + run);
                        },
                        refusal -> refusal);
    }

    private static ConditionFactory eventually() {
        return await().pollInterval(Duration.ofMillis(20));
    }

    @Test
    void a_server_that_missed_a_grant_is_told_at_the_next_renewal_so_that_another_one_may_fail() {
        servers(3);
        LeaseStore holder = patient();
        LeaseStore other = patient();
        try {
            Lease lease = granted(holder);
            Fixture.awaitEverywhere(servers, LEASE);
            servers.get(2).command("DEL", LEASE);
            assertThat(Fixture.get(holder.renew(List.of(lease))))
                    .singleElement()
                    .isInstanceOf(Renewal.Renewed.class);
            eventually().until(() -> servers.get(2).command(KEYS_OF_LEASES).contains("l:k"));
            assertThat(servers.get(2).command("GET", LEASE)).startsWith(lease.owner() + "|" + lease.token() + "|");
            assertThat(Long.parseLong(servers.get(2).command("PTTL", LEASE).trim()))
                    .isBetween(1L, TTL.toMillis());
            // As when its clock jumps.
            servers.get(0).command("DEL", LEASE);
            assertThat(acquire(other)).isInstanceOf(Acquisition.Held.class);
        } finally {
            holder.close();
            other.close();
        }
    }

    @Test
    void a_completion_that_only_a_minority_has_taken_leaves_no_done_marker() {
        servers(3);
        LeaseStore holder = patient();
        LeaseStore other = patient();
        try {
            JobIdentity pair = new JobIdentity(new LockKey("k"), new RunKey("r"));
            Lease lease = ((Acquisition.Granted) Fixture.get(holder.acquire(Fixture.request(pair, TTL)))).lease();
            Fixture.awaitEverywhere(servers, LEASE);
            servers.get(0).command("DEL", LEASE);
            servers.get(1).command("DEL", LEASE);
            assertThat(Fixture.get(holder.release(lease, Ending.done(Duration.ofMinutes(1)))))
                    .isFalse();
            assertThat(Fixture.get(other.acquire(Fixture.request(pair, TTL)))).isInstanceOf(Acquisition.Granted.class);
        } finally {
            holder.close();
            other.close();
        }
    }

    @Test
    void nothing_is_taken_to_a_server_where_somebody_else_holds_it_or_without_a_majority() {
        servers(3);
        AdministeredStore holder = patient();
        try {
            Lease lease = granted(holder);
            Fixture.awaitEverywhere(servers, LEASE);
            EmbeddedRedis last = servers.get(2);
            awaitWrittenBack(last, lease);
            last.command("CONFIG", "SET", "slowlog-log-slower-than", "0");
            last.command("SLOWLOG", "RESET");
            String strange = "somebody|9|1|-|-";
            last.command("SET", LEASE, strange, "PX", "60000");
            assertThat(Fixture.get(holder.renew(List.of(lease))))
                    .singleElement()
                    .isInstanceOf(Renewal.Renewed.class);
            // It may be asked later than the others, whose answers are enough: if nobody held it there by then, it
            // would get the lease.
            eventually()
                    .until(() -> last.command("SLOWLOG", "GET", "-1")
                            .contains(lease.owner().value()));
            servers.get(0).command("DEL", LEASE);
            last.command("DEL", LEASE);
            assertThat(Fixture.get(holder.renew(List.of(lease))))
                    .singleElement()
                    .isInstanceOf(Renewal.Gone.class);
            // Answered after whatever the renewal has caused.
            Fixture.get(holder.admin().holder(lease.identity()));
            assertThat(servers.get(0).command(KEYS_OF_LEASES)).isBlank();
            assertThat(last.command(KEYS_OF_LEASES)).isBlank();
        } finally {
            holder.close();
        }
    }

    /** Until a server has the token of the quorum, with a time that says so: a zero before the token, that it has drawn a higher one itself. */
    private static void awaitWrittenBack(EmbeddedRedis server, Lease lease) {
        String written = lease.owner() + "\\|0?" + lease.token() + "\\|0.*";
        eventually().until(() -> server.command("GET", LEASE).matches(written));
    }

    private void freeze(EmbeddedRedis server) {
        frozen.add(server);
        server.freeze();
    }

    private void strike(String fault, int count) {
        servers.subList(0, count).forEach(server -> {
            switch (fault) {
                case "kill" -> server.kill();
                case "freeze" -> freeze(server);
                case "empty" -> server.restartEmpty();
                default -> throw new IllegalArgumentException(fault);
            }
        });
    }

    @ParameterizedTest
    @CsvSource({"3, 1, kill", "3, 1, freeze", "3, 1, empty", "5, 2, kill", "5, 2, freeze", "5, 2, empty"})
    void the_loss_of_a_minority_stops_nobody_and_lets_nobody_in_twice(int count, int lost, String fault)
            throws Exception {
        servers(count);
        JobGuard holder = guard("holder");
        JobGuard other = guard("other");
        GuardedRun run = Fixture.admitted(holder, occurrence(1));
        FencingToken token = run.fencingToken();
        try (GuardedRun.Scope scope = run.enter()) {
            strike(fault, lost);
            assertThat(verdict(other, occurrence(1))).isEqualTo(Verdict.RUNNING);
            assertThat(verdict(other, occurrence(2))).isEqualTo(Verdict.OVERLAP);
            long end = System.nanoTime() + TTL.toNanos() + TTL.toNanos() / 8;
            eventually().until(() -> System.nanoTime() > end);
            run.ensureHeld();
            assertThat(verdict(other, occurrence(1))).isEqualTo(Verdict.RUNNING);
            complete(run, other, occurrence(1));
        }
        GuardedRun next = admitted(other, occurrence(2));
        assertThat(next.fencingToken()).isGreaterThan(token);
        complete(next, other, occurrence(2));
    }

    /** Waits for the interrupt of this thread, which another one sends, as no wait could that an interrupt ends. */
    private static boolean takesInterrupt() {
        long start = System.nanoTime();
        while (!Thread.currentThread().isInterrupted()
                && System.nanoTime() - start < Duration.ofSeconds(40).toNanos()) {
            Thread.onSpinWait();
        }
        return Thread.interrupted();
    }

    @Test
    void without_a_majority_nothing_begins_and_runs_are_told_and_it_recovers() throws Exception {
        servers(3);
        JobGuard guard = guard("worker");
        GuardedRun run = Fixture.admitted(guard, occurrence(1));
        try (GuardedRun.Scope scope = run.enter()) {
            strike("kill", 2);
            Refusal refusal = refused(guard, occurrence(2));
            assertThat(refusal.verdict()).isEqualTo(Verdict.UNAVAILABLE);
            assertThat(refusal.cause()).hasMessageContaining("majority");
            eventually().until(() -> run.lost().isPresent());
            assertThat(run.lost()).contains(LossReason.NOT_RENEWED);
            assertThat(takesInterrupt()).isTrue();
        }
        run.close();
        servers.subList(0, 2).forEach(EmbeddedRedis::restart);
        GuardedRun again = eventually()
                .until(() -> guard.admit(occurrence(1)).fold(next -> next, refusal -> null), next -> next != null);
        complete(again, guard, occurrence(1));
    }

    @Test
    void a_failed_attempt_leaves_nothing_on_any_server_not_even_on_one_that_answers_late() throws Exception {
        servers(3);
        try (LeaseStore store = store()) {
            freeze(servers.get(0));
            servers.get(1).kill();
            assertThatExceptionOfType(CompletionException.class)
                    .isThrownBy(() -> acquire(store))
                    .withCauseInstanceOf(LeaseStoreException.class)
                    .withMessageContaining("majority");
            frozen.remove(0).thaw();
            servers.get(1).restart();
            eventually()
                    .untilAsserted(() -> servers.forEach(
                            server -> assertThat(server.command(KEYS_OF_LEASES)).isEmpty()));
        }
    }

    @Test
    void a_frozen_minority_does_not_slow_a_grant_down() throws Exception {
        servers(3);
        try (LeaseStore store = store()) {
            assertThat(granted(store).token()).isNotNull();
            freeze(servers.get(2));
            AtomicInteger others = new AtomicInteger();
            // The answer of the frozen server, which is waited for so long, is not among those that decide.
            Fastest.within(PER_SERVER, () -> {
                JobIdentity another = Fixture.lock("another-" + others.incrementAndGet());
                assertThat(Fixture.get(store.acquire(Fixture.request(another, TTL))))
                        .isInstanceOf(Acquisition.Granted.class);
            });
        }
    }

    @Test
    void contenders_never_hold_one_key_at_once_and_all_of_them_get_on() throws Exception {
        servers(3);
        List<Thread> threads = new ArrayList<>();
        List<AtomicInteger> turns = new ArrayList<>();
        List<LeaseStore> stores =
                Stream.<LeaseStore>generate(this::store).limit(3).toList();
        stores.forEach(store -> turns.add(new AtomicInteger()));
        Contest contest = new Contest(
                new AtomicInteger(),
                new AtomicInteger(),
                new ArrayList<>(),
                turns,
                System.nanoTime() + Duration.ofSeconds(3).toNanos());
        for (int n = 0; n < stores.size(); n++) {
            LeaseStore store = stores.get(n);
            AtomicInteger mine = turns.get(n);
            Thread thread = new Thread(() -> contest.contend(store, mine));
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(contest.most()).hasValue(1);
        assertThat(turns).allSatisfy(mine -> assertThat(mine.get()).isPositive());
        assertThat(contest.tokens()).isSorted().doesNotHaveDuplicates();
    }

    /** As replicas do at a firing, with the time-outs of production: somebody has to get it, or it is lost. */
    @Test
    void contenders_beside_a_frozen_server_do_not_all_give_up() throws Exception {
        servers(3);
        List<LeaseStore> stores = Stream.<LeaseStore>generate(() -> RedissonLeaseStore.builder()
                        .namespace("redis-test")
                        .firstStart(WallClock.now())
                        .quorum(urls()))
                .limit(4)
                .toList();
        ExecutorService replicas = Executors.newFixedThreadPool(stores.size());
        try {
            freeze(servers.get(0));
            CyclicBarrier firing = new CyclicBarrier(stores.size());
            int unlucky = 0;
            for (int n = 0; n < LUCKY + unlucky; n++) {
                LockKey key = new LockKey("firing/" + n);
                List<Future<Boolean>> granted = new ArrayList<>();
                for (LeaseStore store : stores) {
                    granted.add(replicas.submit(() -> {
                        firing.await();
                        return isGranted(store, key);
                    }));
                }
                int winners = 0;
                for (Future<Boolean> one : granted) {
                    winners += one.get() ? 1 : 0;
                }
                if (winners == 0 && unlucky < UNLUCKY) {
                    unlucky++;
                } else {
                    assertThat(winners).as("who got %s", key).isEqualTo(1);
                }
            }
        } finally {
            replicas.shutdownNow();
            stores.forEach(LeaseStore::close);
        }
    }

    private static boolean isGranted(LeaseStore store, LockKey key) {
        try {
            return Fixture.get(store.acquire(Fixture.request(new JobIdentity(key, null), Duration.ofSeconds(20))))
                    instanceof Acquisition.Granted;
        } catch (CompletionException tooManyAtOnce) {
            return false;
        }
    }

    /** What contenders share. */
    private record Contest(
            AtomicInteger inside, AtomicInteger most, List<FencingToken> tokens, List<AtomicInteger> turns, long end) {

        /** When the time is over and each has had a turn, for which a busy machine may need a minute. */
        private boolean isOver() {
            long over = System.nanoTime() - end;
            boolean hadAll = turns.stream().allMatch(turn -> turn.get() > 0);
            return over > 0 && (hadAll || over > Duration.ofMinutes(1).toNanos());
        }

        void contend(LeaseStore opened, AtomicInteger mine) {
            try (LeaseStore store = opened) {
                while (!isOver()) {
                    Acquisition answer;
                    try {
                        answer = acquire(store);
                    } catch (CompletionException tooManyAtOnce) {
                        continue;
                    }
                    if (answer instanceof Acquisition.Granted granted) {
                        Lease lease = granted.lease();
                        most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                        tokens.add(lease.token());
                        mine.incrementAndGet();
                        inside.decrementAndGet();
                        Fixture.get(store.release(lease, Ending.NOT_DONE));
                    }
                }
            }
        }
    }

    @Test
    void a_quorum_starts_while_a_minority_is_away_and_not_while_a_majority_is() {
        servers(3);
        servers.get(0).kill();
        try (LeaseStore store = store()) {
            Lease lease = granted(store);
            assertThat(store.fingerprint()).startsWith("quorum of 3, ");
            Fixture.get(store.release(lease, Ending.NOT_DONE));
        }
        servers.get(1).kill();
        assertThatExceptionOfType(LeaseStoreException.class)
                .isThrownBy(this::store)
                .withMessageContaining("only 1 of 3 servers");
    }

    @Test
    void a_quorum_that_could_not_work_is_refused_with_the_reason() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RedissonLeaseStore.quorum(List.of("redis://a", "redis://b"), "redis-test"))
                .withMessageContaining("odd number of servers, at least 3, got 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RedissonLeaseStore.quorum(
                        List.of("redis://a", "redis://b", "redis://c", "redis://d"), "redis-test"))
                .withMessageContaining("Leave one out");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        RedissonLeaseStore.quorum(List.of("redis://a", "redis://b", "redis://a:6379/0"), "redis-test"))
                .withMessageContaining("named twice");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RedissonLeaseStore.builder()
                        .namespace("redis-test")
                        .url("redis://a")
                        .quorum(List.of("redis://a", "redis://b", "redis://c")))
                .withMessageContaining("leave out url");
    }
}

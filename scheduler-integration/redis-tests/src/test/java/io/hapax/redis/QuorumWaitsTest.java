package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Admission;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Runs that wait for a key of a quorum: what one server says wakes one of them, and what a majority says decides. */
@Tag("slow")
class QuorumWaitsTest {

    private static final Duration LONG = Duration.ofMinutes(5);
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final String LEASE = "hapax:{waits:0}:l:k";
    private static final JobIdentity OCCURRENCE = new JobIdentity(new LockKey("k"), new RunKey("r"));

    private final List<EmbeddedRedis> servers = new ArrayList<>();
    private final List<Client> clients = new ArrayList<>();

    /** A store as one process has it. */
    private static final class Client extends QuorumLeaseStore {
        final AtomicInteger asked = new AtomicInteger();

        Client(List<RedissonLeaseStore> stores) {
            // Of the longest that the default ttl allows, most is for attempts: on a busy machine one may be in vain.
            super(stores, Duration.ofMillis(500), Duration.ofSeconds(6), Ticker.SYSTEM, DIRECT);
        }

        @Override
        public CompletionStage<Acquisition> acquire(LeaseRequest request) {
            asked.incrementAndGet();
            return super.acquire(request);
        }

        CompletableFuture<Void> waits() {
            return nextChance(lock("k"), LONG).toCompletableFuture();
        }
    }

    @BeforeEach
    void start() {
        Stream.generate(EmbeddedRedis::start).limit(3).forEach(servers::add);
    }

    @AfterEach
    void stop() {
        clients.forEach(Client::close);
        servers.forEach(EmbeddedRedis::close);
    }

    private Client open() {
        Client client = new Client(servers.stream()
                .map(server -> RedissonLeaseStore.builder()
                        .url(server.url())
                        .namespace("waits")
                        .longestTtl(LONG)
                        .answerTimeout(Fixture.PATIENCE)
                        .firstStart(WallClock.now())
                        .build())
                .toList());
        clients.add(client);
        // Once a subscription stands, each key that is waited for is looked at; later waits hear of messages alone.
        client.servers()
                .forEach(server ->
                        assertThat(server.nextChance(lock("free"), LONG)).succeedsWithin(SOON));
        return client;
    }

    private static LeaseRequest waiting(JobIdentity identity) {
        return new LeaseRequest(identity, OwnerId.random(), "w", LONG, true);
    }

    /** No guard renews it, so a server that forgets it does not receive it again. */
    private void heldFromNowOn() {
        granted(get(open().acquire(waiting(lock("k")))));
        Fixture.awaitEverywhere(servers, LEASE);
    }

    private static CompletableFuture<Admission> run(JobGuard guard, RunRequest request) {
        return guard.admitAsync(request.waitAtMost(LONG)).toCompletableFuture();
    }

    /**
     * One asks each second, besides those who come and those who are woken. Three more are forgiven.
     *
     * @param startedAt before the first of them asked
     */
    private static void assertThatTheyTakeTurns(Client client, long startedAt, int before, int besides) {
        int turns = 5;
        await().atMost(Duration.ofMinutes(1)).until(() -> client.asked.get() - before >= besides + 3 + turns);
        assertThat(Duration.ofNanos(System.nanoTime() - startedAt)).isGreaterThan(Duration.ofSeconds(turns - 1));
    }

    /** As a release on this server does, if the process has waited for longest. */
    private void wakeOne(Client client, int server) {
        RedissonLeaseStore store = client.servers().get(server);
        granted(get(store.acquire(waiting(lock("other")))));
        get(store.acquire(waiting(lock("other"))));
        String flag = servers.get(server).command("GET", "hapax:{waits:0}:w:l:other");
        String name = flag.trim().substring("1;".length()).replace(";", "");
        servers.get(server).command("PUBLISH", "hapax:waits:wake", ";" + name + ";" + LEASE);
    }

    /** As a completion that these servers alone have taken. */
    private static void completedOn(Client client, int... those) {
        LeaseRequest request = waiting(OCCURRENCE);
        for (int server : those) {
            RedissonLeaseStore store = client.servers().get(server);
            get(store.release(granted(get(store.acquire(request))), Ending.done(LONG)));
        }
    }

    /** One after another, so that none is refused by what another one is about to give back. */
    private static void threeWait(JobGuard guard, RunRequest request) {
        for (int n = 1; n <= 3; n++) {
            run(guard, request);
            int all = n;
            await().until(() -> guard.admin().waiting().size() == all);
        }
    }

    @Test
    void those_who_wait_do_not_wake_each_other_by_giving_back_what_a_minority_grants() {
        heldFromNowOn();
        servers.get(2).command("DEL", LEASE);
        Client client = open();
        try (JobGuard guard = JobGuard.builder(client).build()) {
            long startedAt = System.nanoTime();
            threeWait(guard, RunRequest.lock("k"));
            assertThatTheyTakeTurns(client, startedAt, 0, 3);
        }
    }

    /** A server tells all that wait of each slot that is given back. */
    @Test
    void those_who_wait_for_a_slot_do_not_wake_each_other_by_giving_back_what_a_minority_grants() {
        Client holder = open();
        for (int slot = 1; slot <= 2; slot++) {
            granted(get(holder.acquire(waiting(new JobIdentity(new LockKey("k"), null, new Slot(slot, 2))))));
            String lease = "hapax:{waits:0}:s:" + slot + ":k";
            Fixture.awaitEverywhere(servers, lease);
            servers.get(2).command("DEL", lease);
        }
        Client client = open();
        try (JobGuard guard = JobGuard.builder(client).build()) {
            for (int n = 0; n < 20; n++) {
                run(guard, RunRequest.lock("k").tune(options -> options.withConcurrency(2)));
            }
            // But the one whose turn it is at this moment.
            await().until(() -> client.servers().get(2).waiters() >= 19);
            long startedAt = System.nanoTime();
            int before = client.asked.get();
            servers.get(2).command("PUBLISH", "hapax:waits:wake", LEASE);
            assertThatTheyTakeTurns(client, startedAt, before, 20);
        }
    }

    @Test
    void those_who_wait_do_not_wake_each_other_because_a_minority_takes_their_occurrence_for_over() {
        Client client = open();
        completedOn(client, 2);
        heldFromNowOn();
        try (JobGuard guard = JobGuard.builder(client).build()) {
            long startedAt = System.nanoTime();
            threeWait(guard, RunRequest.lock("k").once("r"));
            await().until(() -> client.servers().get(2).waiters() == 3);
            wakeOne(client, 2);
            assertThatTheyTakeTurns(client, startedAt, 0, 4);
        }
    }

    @Test
    void whoever_is_woken_and_finds_its_occurrence_over_leaves_the_key_to_its_neighbour() {
        Client client = open();
        completedOn(client, 0, 1);
        CompletableFuture<Void> first = client.waits();
        CompletableFuture<Void> second = client.waits();
        wakeOne(client, 2);
        assertThat(first).succeedsWithin(SOON);
        assertThat(second).isNotDone();
        assertThat(get(client.acquire(waiting(OCCURRENCE)))).isInstanceOf(Acquisition.Done.class);
        assertThat(second).succeedsWithin(SOON);
    }

    @Test
    void whoever_is_woken_and_refused_leaves_the_key_to_nobody() {
        Client client = open();
        completedOn(client, 0, 1, 2);
        heldFromNowOn();
        CompletableFuture<Void> first = client.waits();
        CompletableFuture<Void> second = client.waits();
        wakeOne(client, 2);
        assertThat(first).succeedsWithin(SOON);
        assertThat(get(client.acquire(waiting(lock("k"))))).isInstanceOf(Acquisition.Held.class);
        // Nor does one whose occurrence is over, and that nobody has woken.
        assertThat(get(client.acquire(waiting(OCCURRENCE)))).isInstanceOf(Acquisition.Done.class);
        get(client.admin().holder(lock("k")));
        assertThat(second).isNotDone();
    }

    /** It may have been granted the lease without hearing of it. */
    @Test
    void a_request_that_is_withdrawn_leaves_what_it_was_granted_to_its_neighbour() {
        Client client = open();
        LeaseRequest request = waiting(lock("k"));
        granted(get(client.acquire(request)));
        CompletableFuture<Void> neighbour = client.waits();
        get(client.withdraw(request));
        assertThat(neighbour).succeedsWithin(SOON);
    }

    @Test
    void runs_of_several_processes_all_get_a_key_one_after_another() {
        Lease held = granted(get(open().acquire(waiting(lock("k")))));
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        ExecutorService threads = Executors.newCachedThreadPool();
        try (JobGuard one = JobGuard.builder(open()).build();
                JobGuard other = JobGuard.builder(open()).build()) {
            List<CompletableFuture<Void>> all = IntStream.range(0, 20)
                    .mapToObj(n -> run(n % 2 == 0 ? one : other, RunRequest.lock("k"))
                            .thenAcceptAsync(
                                    admission -> {
                                        try (var run = admission.fold(admitted -> admitted, refusal -> {
                                            throw new AssertionError(refusal);
                                        })) {
                                            most.accumulateAndGet(running.incrementAndGet(), Math::max);
                                            running.decrementAndGet();
                                        }
                                    },
                                    threads))
                    .toList();
            await().until(() ->
                    one.admin().waiting().size() + other.admin().waiting().size() == 20);
            get(clients.get(0).release(held, Ending.NOT_DONE));
            await().atMost(Duration.ofMinutes(3)).until(() -> all.stream().allMatch(CompletableFuture::isDone));
            assertThat(all).noneMatch(CompletableFuture::isCompletedExceptionally);
            assertThat(most).hasValue(1);
        } finally {
            threads.shutdown();
        }
    }
}

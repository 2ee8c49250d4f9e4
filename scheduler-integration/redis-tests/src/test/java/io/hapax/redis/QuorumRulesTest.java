package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.LeaseAdmin;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a quorum makes of its servers' answers, with a wire that the test can cut and watch. */
class QuorumRulesTest {

    private static final Duration TTL = Duration.ofSeconds(20);
    private static final String META = "hapax:{rules:0}:m";
    private static final String LEASE = "hapax:{rules:0}:l:k";
    private static final JobIdentity KEY = Fixture.lock("k");

    /** Firings that may be lost because this machine itself stands still for longer than contenders wait. */
    private static final int UNLUCKY = 2;

    private static final List<EmbeddedRedis> SERVERS = new ArrayList<>();
    private static final List<RedissonLeaseStore> STORES = new ArrayList<>();

    @BeforeAll
    static void start() {
        Stream.generate(EmbeddedRedis::start).limit(3).forEach(SERVERS::add);
        SERVERS.forEach(server -> STORES.add(RedissonLeaseStore.builder()
                .url(server.url())
                .namespace("rules")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now())
                .build()));
    }

    @AfterEach
    void free() {
        // Answered after what may still be on its way to a server whose answer was not needed.
        STORES.forEach(store -> Fixture.get(store.admin().holder(KEY)));
        SERVERS.forEach(server -> server.command("DEL", LEASE));
    }

    @AfterAll
    static void stop() {
        STORES.forEach(RedissonLeaseStore::close);
        SERVERS.forEach(EmbeddedRedis::close);
    }

    /** A wire; {@code number} counts the questions to one server from 0. */
    private interface Line {
        <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question);
    }

    private static final Line WHOLE = new Line() {
        @Override
        public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
            return question.get();
        }
    };

    private static AdministeredStore quorum(Line line) {
        return quorum(line, Duration.ofMillis(500), Duration.ofSeconds(5));
    }

    private static AdministeredStore quorum(Line line, Duration perServer, Duration answerTimeout) {
        List<AtomicInteger> asked =
                IntStream.range(0, 3).mapToObj(n -> new AtomicInteger()).toList();
        QuorumLeaseStore.Wire wire = new QuorumLeaseStore.Wire() {
            @Override
            public <T> CompletionStage<T> send(
                    RedissonLeaseStore store, Function<RedissonLeaseStore, CompletionStage<T>> question) {
                int server = STORES.indexOf(store);
                return line.send(server, asked.get(server).getAndIncrement(), () -> question.apply(store));
            }
        };
        return new QuorumLeaseStore(STORES, perServer, answerTimeout, Ticker.SYSTEM, wire);
    }

    private static LeaseRequest request() {
        return Fixture.request(KEY, TTL);
    }

    private static Lease granted(Acquisition answer) {
        return ((Acquisition.Granted) answer).lease();
    }

    @Test
    void grants_of_other_keys_between_grant_and_write_back_do_not_spoil_it() {
        AtomicInteger asked = new AtomicInteger();
        AdministeredStore store = quorum(new Line() {
            @Override
            public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                asked.incrementAndGet();
                if (number == 1) {
                    SERVERS.get(server).command("HINCRBY", META, "last", "1000000");
                }
                return question.get();
            }
        });
        Lease lease = granted(Fixture.get(store.acquire(request())));
        assertThat(asked).as("one round of grants, one of write-backs").hasValueLessThanOrEqualTo(6);
        assertThat(Fixture.get(store.admin().holder(KEY)).orElseThrow().token()).isEqualTo(lease.token());
        Fixture.get(store.release(lease, Ending.NOT_DONE));
        assertThat(granted(Fixture.get(store.acquire(request()))).token()).isGreaterThan(lease.token());
    }

    /** The one server that still has the lease is not enough for its token, however high. */
    @Test
    void a_grant_that_is_gone_when_its_token_is_written_back_does_not_count() {
        AdministeredStore store = quorum(new Line() {
            @Override
            public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                if (number == 1 && server > 0) {
                    SERVERS.get(server).command("SET", "hapax:{rules:0}:l:k", "another|1|1|-|tester|", "PX", "20000");
                }
                return question.get();
            }
        });
        assertThat(Fixture.get(store.acquire(request()))).isInstanceOf(Acquisition.Held.class);
    }

    @Test
    void a_server_that_does_not_answer_keeps_nobody_waiting_for_a_refusal() throws Exception {
        Lease held = granted(Fixture.get(quorum(WHOLE).acquire(request())));
        Fixture.awaitEverywhere(SERVERS, LEASE);
        AdministeredStore store = quorum(new Line() {
            @Override
            public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                return server == 2 ? new CompletableFuture<>() : question.get();
            }
        });
        CompletableFuture<Acquisition> refusal = store.acquire(request()).toCompletableFuture();
        assertThat(refusal.get(30, TimeUnit.SECONDS))
                .isInstanceOfSatisfying(
                        Acquisition.Held.class,
                        answer -> assertThat(answer.holder().owner()).isEqualTo(held.owner()));
        assertThat(store.admin()
                        .holder(Fixture.lock("free"))
                        .toCompletableFuture()
                        .get(30, TimeUnit.SECONDS))
                .isEmpty();
    }

    /** One contender has a server, another one has the second, and the first waits for the third: nobody could have a majority. */
    @Test
    void who_waits_for_a_server_that_hangs_does_not_keep_another_one_from_others() throws Exception {
        STORES.get(2).acquire(request()).toCompletableFuture().join();
        CompletableFuture<Object> first = new CompletableFuture<>();
        AtomicInteger askedAgain = new AtomicInteger();
        AdministeredStore store = quorum(
                new Line() {
                    @Override
                    public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                        if (server == 1 && number == 0) {
                            return new CompletableFuture<>();
                        }
                        CompletionStage<T> answer = question.get();
                        if (server == 0) {
                            answer.thenAccept(first::complete);
                        }
                        if (server == 1 && !answer.toCompletableFuture().isCompletedExceptionally()) {
                            askedAgain.incrementAndGet();
                        }
                        return answer;
                    }
                },
                Duration.ofMillis(500),
                Duration.ofSeconds(20));
        CompletableFuture<Acquisition> waiting = store.acquire(request()).toCompletableFuture();
        assertThat(first.get(60, TimeUnit.SECONDS))
                .isInstanceOfSatisfying(
                        QuorumRound.Heard.class,
                        heard -> assertThat(heard.answer()).isInstanceOf(Acquisition.Granted.class));

        LeaseRequest others = request();
        Lease lease = granted(Fixture.get(
                quorum(WHOLE, Duration.ofMillis(500), Duration.ofSeconds(20)).acquire(others)));
        assertThat(lease.owner()).isEqualTo(others.owner());
        assertThat(askedAgain)
                .as("a server that has not answered is not asked again for the same request")
                .hasValue(0);
        assertThat(waiting.get(60, TimeUnit.SECONDS)).isInstanceOf(Acquisition.Held.class);
    }

    /** A withdrawal that comes late would take away what a later attempt was granted. */
    @Test
    void a_server_that_did_not_confirm_a_withdrawal_is_not_asked_again_for_the_same_request() {
        STORES.get(0).acquire(request()).toCompletableFuture().join();
        AtomicInteger first = new AtomicInteger();
        AdministeredStore store = quorum(new Line() {
            @Override
            public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                if (server == 0) {
                    first.incrementAndGet();
                }
                boolean lost = server == 1 || server == 2 && number == 1;
                return lost
                        ? CompletableFuture.failedFuture(new LeaseStoreException("lost by the test"))
                        : question.get();
            }
        });
        assertThat(Fixture.get(store.acquire(request()))).isInstanceOf(Acquisition.Held.class);
        assertThat(first)
                .as("one attempt: a majority could not be had any more")
                .hasValue(2);
    }

    /** The server that enters it last is the first that is read; what it says of the holder is one vote. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void the_audit_names_the_holder_that_a_majority_knew(boolean majorityKnew) {
        Lease lease = granted(Fixture.get(quorum(WHOLE).acquire(request())));
        Fixture.awaitEverywhere(SERVERS, LEASE);
        List<EmbeddedRedis> forgetful = majorityKnew ? SERVERS.subList(2, 3) : SERVERS.subList(0, 2);
        forgetful.forEach(server -> server.command("DEL", LEASE));
        List<CompletableFuture<?>> before = new ArrayList<>();
        LeaseAdmin admin = quorum(new Line() {
                    @Override
                    public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                        if (server == 2) {
                            return CompletableFuture.allOf(before.toArray(CompletableFuture<?>[]::new))
                                    .thenCompose(all -> question.get());
                        }
                        CompletionStage<T> answer = question.get();
                        before.add(answer.toCompletableFuture());
                        return answer;
                    }
                })
                .admin();
        Intervention why = new Intervention("ann", "majority knew: " + majorityKnew);
        Fixture.get(admin.forceRelease(KEY, why));

        assertThat(auditOf(admin, why)).singleElement().satisfies(entry -> {
            if (majorityKnew) {
                assertThat(entry.holder()).contains(lease.owner().value());
            } else {
                assertThat(entry.holder()).isEmpty();
            }
        });
    }

    @Test
    void the_audit_names_nobody_where_leases_of_different_runs_were_left_behind() {
        Lease first = granted(Fixture.get(STORES.get(0).acquire(request())));
        Lease second = granted(Fixture.get(STORES.get(1).acquire(request())));
        assertThat(first.owner()).isNotEqualTo(second.owner());
        Intervention why = new Intervention("ann", "two leftovers");
        LeaseAdmin admin = quorum(WHOLE).admin();
        assertThat(Fixture.get(admin.forceRelease(KEY, why))).isEmpty();
        assertThat(auditOf(admin, why)).extracting(AuditEntry::holder).containsExactly("");
    }

    @Test
    void the_audit_has_two_entries_of_what_was_done_twice_in_a_row() {
        Intervention why = new Intervention("ann", "twice in a row");
        LeaseAdmin admin = quorum(WHOLE).admin();
        Lease lease = granted(Fixture.get(quorum(WHOLE).acquire(request())));
        Fixture.awaitEverywhere(SERVERS, LEASE);
        Fixture.get(admin.forceRelease(KEY, why));
        Fixture.get(admin.forceRelease(KEY, why));
        assertThat(auditOf(admin, why))
                .extracting(AuditEntry::holder)
                .satisfiesExactly(
                        newest -> assertThat(newest).isEmpty(),
                        held -> assertThat(held).contains(lease.owner().value()));
    }

    @Test
    void the_audit_has_one_entry_of_what_one_server_had_to_do_once_more() {
        JobIdentity occurrence = new JobIdentity(null, new RunKey("again@1"));
        LeaseRequest request = Fixture.request(occurrence, TTL);
        Intervention why = new Intervention("ann", "the goods came back");
        LeaseAdmin admin = quorum(WHOLE).admin();
        Lease lease = granted(Fixture.get(quorum(WHOLE).acquire(request)));
        assertThat(Fixture.get(quorum(WHOLE).release(lease, Ending.done(Duration.ofMinutes(10)))))
                .isTrue();
        assertThat(Fixture.get(admin.runAgain(occurrence, why))).isTrue();
        // A done marker that comes late.
        Lease late = granted(Fixture.get(STORES.get(0).acquire(request)));
        assertThat(Fixture.get(STORES.get(0).release(late, Ending.done(Duration.ofMinutes(10)))))
                .isTrue();
        assertThat(Fixture.get(admin.runAgain(occurrence, why))).isFalse();
        assertThat(auditOf(admin, why)).hasSize(1);
    }

    private static List<AuditEntry> auditOf(LeaseAdmin admin, Intervention why) {
        return Fixture.get(admin.audit(100)).stream()
                .filter(entry -> entry.why().equals(why))
                .toList();
    }

    @Test
    void servers_that_stumble_are_asked_again_while_there_is_time() {
        AdministeredStore store = quorum(new Line() {
            @Override
            public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                return server > 0 && number == 0
                        ? CompletableFuture.failedFuture(new LeaseStoreException("lost by the test"))
                        : question.get();
            }
        });
        assertThat(Fixture.get(store.acquire(request()))).isInstanceOf(Acquisition.Granted.class);
    }

    @Test
    void one_server_with_several_names_is_no_quorum() {
        String url = SERVERS.get(0).url();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RedissonLeaseStore.quorum(List.of(url + "/0", url + "/1", url + "/2"), "redis-test"))
                .withMessageContaining("named twice");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> patient("redis-test")
                        .quorum(List.of(
                                url,
                                url.replace("127.0.0.1", "localhost"),
                                SERVERS.get(1).url())))
                .withMessageContainingAll("are the same one", "Name every server once");
    }

    /** Else this one server would be a majority. */
    @Test
    void one_server_with_several_names_counts_once_where_it_joins_later() {
        EmbeddedRedis other = EmbeddedRedis.start();
        try (EmbeddedRedis one = EmbeddedRedis.start();
                LeaseStore store = builder("joins")
                        .lazy(true)
                        .quorum(List.of(one.url(), one.url().replace("127.0.0.1", "localhost"), other.url()))) {
            assertThat(Fixture.get(store.acquire(request()))).isInstanceOf(Acquisition.Granted.class);
            other.close();
            assertThat(store.acquire(Fixture.request(Fixture.lock("another"), Duration.ofSeconds(20))))
                    .failsWithin(Duration.ofMinutes(1))
                    .withThrowableOfType(ExecutionException.class)
                    .withCauseInstanceOf(LeaseStoreException.class);
        } finally {
            other.close();
        }
    }

    /** Else a majority of the one and a majority of the other need not have a server in common. */
    @Test
    void workers_that_do_not_name_the_same_servers_are_refused() {
        List<String> urls = SERVERS.stream().map(EmbeddedRedis::url).toList();
        try (EmbeddedRedis fourth = EmbeddedRedis.start();
                EmbeddedRedis fifth = EmbeddedRedis.start();
                LeaseStore three = patient("named").quorum(urls);
                LeaseStore reordered = patient("named").quorum(List.of(urls.get(2), urls.get(0), urls.get(1)))) {
            assertThat(reordered.fingerprint()).isEqualTo(three.fingerprint());
            assertThatIllegalStateException()
                    .isThrownBy(() -> patient("named").quorum(List.of(fourth.url(), fifth.url(), urls.get(2))))
                    .withMessageContainingAll("settings differ", "quorum=3/");
            assertThatIllegalStateException()
                    .isThrownBy(() -> patient("named")
                            .quorum(Stream.concat(urls.stream(), Stream.of(fourth.url(), fifth.url()))
                                    .toList()))
                    .withMessageContaining("quorum=5/");
            assertThatIllegalStateException()
                    .isThrownBy(() -> patient("named").url(urls.get(0)).build())
                    .withMessageContaining("settings differ");
        }
    }

    private static RedissonLeaseStore.Builder builder(String namespace) {
        return RedissonLeaseStore.builder()
                .namespace(namespace)
                .answerTimeout(Duration.ofSeconds(12))
                .firstStart(WallClock.now());
    }

    /** A server that does not answer within a sixth of it, or a twentieth of the longest ttl, would be joined later, unseen. */
    private static RedissonLeaseStore.Builder patient(String namespace) {
        return builder(namespace).answerTimeout(Duration.ofMinutes(1)).longestTtl(Duration.ofMinutes(4));
    }

    /** To the server that missed the grant its slot is free: an asker that believed it would ask for that slot in vain. */
    @Test
    void a_slot_that_is_free_only_on_a_server_that_missed_its_grant_is_not_named() {
        CompletableFuture<Void> missed = new CompletableFuture<>();
        AdministeredStore store = quorum(WHOLE);
        AdministeredStore withoutTheLast = quorum(new Line() {
            @Override
            public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                return server == 2
                        ? CompletableFuture.failedFuture(new LeaseStoreException("cut off"))
                        : question.get();
            }
        });
        AdministeredStore theLastFirst = quorum(new Line() {
            @Override
            public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                return server == 2
                        ? question.get().whenComplete((answer, failure) -> missed.complete(null))
                        : missed.thenCompose(answered -> question.get());
            }
        });
        Lease one = granted(Fixture.get(store.acquire(slot(1))));
        Lease two = granted(Fixture.get(withoutTheLast.acquire(slot(2))));
        assertThat(Fixture.get(theLastFirst.acquire(slot(1))))
                .isInstanceOfSatisfying(
                        Acquisition.Held.class,
                        held -> assertThat(held.nextSlot()).isZero());
        Fixture.get(withoutTheLast.release(two, Ending.NOT_DONE));
        assertThat(Fixture.get(store.acquire(slot(1))))
                .isInstanceOfSatisfying(
                        Acquisition.Held.class,
                        held -> assertThat(held.nextSlot()).isEqualTo(2));
        Fixture.get(store.release(one, Ending.NOT_DONE));
    }

    private static LeaseRequest slot(int number) {
        return Fixture.request(new JobIdentity(new LockKey("rooms"), null, new Slot(number, 2)), TTL);
    }

    @Test
    void a_server_that_has_not_heard_of_the_token_that_was_written_back_is_outvoted() {
        Holder written = new Holder(new OwnerId("o"), new FencingToken(9), "w", "", Instant.EPOCH);
        Holder drawn = new Holder(new OwnerId("o"), new FencingToken(8), "w", "", Instant.EPOCH);
        Holder earlier = new Holder(new OwnerId("p"), new FencingToken(7), "w", "", Instant.EPOCH);
        assertThat(QuorumLeaseStore.mostFrequent(
                        List.of(Optional.of(drawn), Optional.of(written), Optional.of(written))))
                .hasValue(written);
        assertThat(QuorumLeaseStore.mostFrequent(
                        List.of(Optional.of(earlier), Optional.empty(), Optional.of(written), Optional.of(drawn))))
                .hasValueSatisfying(top -> assertThat(top.owner()).isEqualTo(written.owner()));
        assertThat(QuorumLeaseStore.mostFrequent(List.of(Optional.empty()))).isEmpty();
    }

    /**
     * On a busy machine an answer takes longer than contenders wait before they try again, and one server hangs: somebody has to
     * get the lease, or a firing is lost.
     */
    @Test
    void contenders_that_are_slow_do_not_all_give_up() throws Exception {
        Duration perServer = Duration.ofMillis(333);
        Random random = new Random(7);
        Line busy = new Line() {
            @Override
            public <T> CompletionStage<T> send(int server, int number, Supplier<CompletionStage<T>> question) {
                CompletableFuture<Void> turn = new CompletableFuture<>();
                if (server == 0) {
                    turn.completeOnTimeout(null, perServer.toMillis(), TimeUnit.MILLISECONDS);
                    return turn.thenCompose(over -> CompletableFuture.failedFuture(new LeaseStoreException("hangs")));
                }
                turn.completeOnTimeout(null, 20 + random.nextInt(60), TimeUnit.MILLISECONDS);
                return turn.thenCompose(over -> question.get());
            }
        };
        List<AdministeredStore> stores = Stream.generate(() -> quorum(busy, perServer, Duration.ofSeconds(6)))
                .limit(4)
                .toList();
        int unlucky = 0;
        for (int firing = 0; firing < 6 + unlucky; firing++) {
            JobIdentity key = Fixture.lock("busy/" + firing);
            List<CompletableFuture<Boolean>> answers = stores.stream()
                    .map(store -> store.acquire(Fixture.request(key, TTL))
                            .toCompletableFuture()
                            .handle((answer, failure) -> answer instanceof Acquisition.Granted))
                    .toList();
            long winners = answers.stream().filter(Fixture::get).count();
            if (winners == 0 && unlucky < UNLUCKY) {
                unlucky++;
            } else {
                assertThat(winners).as("who got %s", key).isEqualTo(1);
            }
        }
    }
}

package io.hapax.redis;

import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Acquisition;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.ForwardingTicker;
import io.hapax.testkit.WallClock;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.redisson.api.RedissonClient;

/** A caller that fails at any point of a call, as where there is no memory, takes no connection and no place away from the others. */
@Tag("slow")
class FailingCallersTest {

    private static final Duration TTL = Duration.ofSeconds(20);
    private static final Duration ANSWER = Duration.ofSeconds(5);
    private static final int CALLERS = 8;
    private static final int MOST_TRIES = 5;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final OwnClient.Address address = OwnClient.Address.parse(redis.url());
    private final RedissonClient redisson = OwnClient.open(address, ANSWER, false, OwnClient.Use.ALONE);
    private final Keyspace keyspace = new Keyspace("failing", 1);
    private final Namespace namespace = Namespace.of(
            keyspace,
            Quarantine.of(TTL, ANSWER, new FirstStart(WallClock.now(), WallClock.REAL), false),
            new MemoryLog("failing", "there", Ticker.SYSTEM),
            new ScriptCalls(
                    Client.given(redisson),
                    new FirstConnection(false),
                    ANSWER,
                    "there",
                    "hapax:{failing:0}:m",
                    InstantSource.fixed(Instant.EPOCH)),
            Added.FORMAT);
    private final SharedCalls shared = new SharedCalls(namespace);
    private final AtomicInteger byOtherMeans = new AtomicInteger();
    private final ManualTicker ticker = new ManualTicker();
    private final Faults faults = new Faults();
    private final DirectCalls direct = new DirectCalls(
            namespace,
            () -> {
                faults.point();
                return OwnClient.direct(address, ANSWER);
            },
            new ForwardingTicker(ticker) {
                @Override
                public NanoTime now() {
                    faults.point();
                    return super.now();
                }
            },
            request -> {
                byOtherMeans.incrementAndGet();
                faults.point();
                shared.send(request);
            });
    private final ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
    private final AtomicInteger keys = new AtomicInteger();

    @AfterEach
    void stop() {
        callers.shutdownNow();
        direct.close();
        redisson.shutdown();
        redis.close();
    }

    /** Fails once, at one of the points that are passed. */
    private static final class Faults {
        private final AtomicInteger passed = new AtomicInteger();
        private volatile int at;

        void point() {
            if (passed.incrementAndGet() == at) {
                throw new OutOfMemoryError("planted");
            }
        }

        /** At the point of this number, from 1; at none if it is 0. */
        void plant(int point) {
            at = point;
            passed.set(0);
        }
    }

    /** Gives back what nobody holds; may fail wherever one of its methods is called. */
    private final class Failing extends Request<Boolean> {
        private final Request<Boolean> plain = ReleaseRequest.of(namespace, request(lock("nobody's"), TTL));

        Failing() {
            super(namespace.keys(lock("nobody's")));
        }

        @Override
        Keyspace.Keys keys() {
            faults.point();
            return super.keys();
        }

        @Override
        CompletableFuture<Boolean> answer() {
            faults.point();
            return super.answer();
        }

        @Override
        String further() {
            faults.point();
            return plain.further();
        }

        @Override
        List<String> arguments() {
            faults.point();
            return plain.arguments();
        }

        @Override
        Alone alone() {
            faults.point();
            return plain.alone();
        }

        @Override
        int answers() {
            faults.point();
            return plain.answers();
        }

        @Override
        Boolean read(Iterator<?> answers) {
            faults.point();
            return plain.read(answers);
        }
    }

    private void failed(Consumer<Request<?>> way) {
        try {
            way.accept(new Failing());
        } catch (OutOfMemoryError planted) {
            assertThat(planted).hasMessage("planted");
        }
    }

    /** Returns how many points one call passes. */
    private int points(Consumer<Request<?>> way) {
        faults.plant(0);
        failed(way);
        return faults.passed.get();
    }

    private AcquireRequest anybodys() {
        return new AcquireRequest(namespace, request(lock("k" + keys.incrementAndGet()), TTL));
    }

    private static Acquisition answer(Future<Acquisition> answer) throws Exception {
        return answer.get(1, TimeUnit.MINUTES);
    }

    private void everybodyIsAnsweredDirectly() throws Exception {
        faults.plant(0);
        int tries = 0;
        do {
            // The rest after a failure is over.
            ticker.advance(Duration.ofSeconds(10));
            byOtherMeans.set(0);
            List<Future<Acquisition>> answers = new ArrayList<>();
            for (int n = 0; n < CALLERS; n++) {
                answers.add(callers.submit(() -> direct.call(anybodys()).get(1, TimeUnit.MINUTES)));
            }
            for (Future<Acquisition> answer : answers) {
                assertThat(answer(answer)).isInstanceOf(Acquisition.Granted.class);
            }
            tries++;
            // On a busy machine a connection may take too long.
        } while (byOtherMeans.get() > 0 && tries < MOST_TRIES);
        assertThat(byOtherMeans).hasValue(0);
    }

    private CompletableFuture<Acquisition> sent() {
        AcquireRequest request = anybodys();
        namespace.scripts().timeouts().watch(request.answer());
        shared.send(request);
        return request.answer();
    }

    private void everybodyIsAnsweredTogether() throws Exception {
        // What shares a call with one that fails may fail with it; the last of those is over when the next few have
        // been answered.
        for (int n = 0; n < 2 * SharedCalls.ENOUGH; n++) {
            assertThat(sent().handle((answer, failure) -> true).get(1, TimeUnit.MINUTES))
                    .isTrue();
        }
        List<CompletableFuture<Acquisition>> answers = new ArrayList<>();
        for (int n = 0; n < CALLERS; n++) {
            answers.add(sent());
        }
        for (CompletableFuture<Acquisition> answer : answers) {
            assertThat(answer(answer)).isInstanceOf(Acquisition.Granted.class);
        }
    }

    @Test
    void of_callers_that_carry_out_their_requests_themselves() throws Exception {
        everybodyIsAnsweredDirectly();
        int points = points(direct::call);
        assertThat(points).isGreaterThan(8);
        // Further ones are passed where a call goes by other means.
        for (int at = 1; at <= 2 * points; at++) {
            for (int n = 0; n < 2 * DirectCalls.LINES; n++) {
                ticker.advance(Duration.ofSeconds(10));
                faults.plant(at);
                failed(direct::call);
            }
            everybodyIsAnsweredDirectly();
        }
    }

    /** Beside others, so that it is queued, and read for by them. */
    @Test
    void of_callers_that_share_calls_with_others() throws Exception {
        everybodyIsAnsweredDirectly();
        int points = points(direct::call);
        for (int at = 1; at <= 2 * points; at++) {
            faults.plant(at);
            List<Future<?>> all = new ArrayList<>();
            for (int n = 0; n < 2 * CALLERS; n++) {
                all.add(callers.submit(() -> failed(direct::call)));
            }
            for (Future<?> one : all) {
                // Those beside it may have no answer: they are refused when the answer timeout is over.
                assertThat(one.get(1, TimeUnit.MINUTES)).isNull();
            }
            everybodyIsAnsweredDirectly();
        }
    }

    @Test
    void of_callers_whose_requests_are_sent_for_them() throws Exception {
        everybodyIsAnsweredTogether();
        int points = points(shared::send);
        for (int at = 1; at <= 2 * points + 4; at++) {
            for (int n = 0; n < 2 * SharedCalls.ENOUGH; n++) {
                faults.plant(at);
                failed(shared::send);
            }
            faults.plant(0);
            everybodyIsAnsweredTogether();
        }
    }
}

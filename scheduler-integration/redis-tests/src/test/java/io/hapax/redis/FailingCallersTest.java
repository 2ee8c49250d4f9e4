package io.hapax.redis;

import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Acquisition;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
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
    private static final Duration ANSWER = Duration.ofSeconds(2);
    private static final int CALLERS = 8;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final OwnClient.Address address = OwnClient.Address.parse(redis.url());
    private final RedissonClient redisson = OwnClient.open(address, ANSWER, false, OwnClient.Use.ALONE);
    private final Keyspace keyspace = new Keyspace("failing", 1);
    private final Namespace namespace = Namespace.of(
            keyspace,
            Quarantine.of(TTL, ANSWER, new FirstStart(WallClock.now(), WallClock.REAL), false),
            new MemoryLog("failing", "there", Ticker.SYSTEM),
            new ScriptCalls(
                    redisson,
                    new FirstConnection(false),
                    ANSWER,
                    "there",
                    "hapax:{failing:0}:m",
                    InstantSource.fixed(Instant.EPOCH)),
            Added.FORMAT);
    private final SharedCalls shared = new SharedCalls(namespace);
    private final AtomicInteger byOtherMeans = new AtomicInteger();
    private final ManualTicker ticker = new ManualTicker();
    private final DirectCalls direct =
            new DirectCalls(namespace, () -> OwnClient.direct(address, ANSWER), ticker, request -> {
                byOtherMeans.incrementAndGet();
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

    /** Gives back what nobody holds, and fails where one of its methods is called for so many-th time. */
    private static final class Failing extends Request<Boolean> {
        private final Request<Boolean> plain;
        private final int at;
        private final AtomicInteger asked = new AtomicInteger();

        Failing(Namespace namespace, int at) {
            super(namespace.keys(lock("nobody's")));
            this.plain = ReleaseRequest.of(namespace, request(lock("nobody's"), TTL));
            this.at = at;
        }

        private void next() {
            if (asked.incrementAndGet() == at) {
                throw new OutOfMemoryError("planted");
            }
        }

        @Override
        Keyspace.Keys keys() {
            next();
            return super.keys();
        }

        @Override
        CompletableFuture<Boolean> answer() {
            next();
            return super.answer();
        }

        @Override
        String further() {
            next();
            return plain.further();
        }

        @Override
        List<String> arguments() {
            next();
            return plain.arguments();
        }

        @Override
        Alone alone() {
            next();
            return plain.alone();
        }

        @Override
        int answers() {
            next();
            return plain.answers();
        }

        @Override
        Boolean read(Iterator<?> answers) {
            next();
            return plain.read(answers);
        }
    }

    /** Returns how many of its methods were called. */
    private int failed(int at, Consumer<Request<?>> way) {
        Failing request = new Failing(namespace, at);
        try {
            way.accept(request);
        } catch (OutOfMemoryError planted) {
            assertThat(planted).hasMessage("planted");
        }
        return request.asked.get();
    }

    private AcquireRequest anybodys() {
        return new AcquireRequest(namespace, request(lock("k" + keys.incrementAndGet()), TTL));
    }

    private static Acquisition answer(Future<Acquisition> answer) throws Exception {
        return answer.get(1, TimeUnit.MINUTES);
    }

    private void everybodyIsAnsweredDirectly() throws Exception {
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
        int points = failed(0, direct::call);
        assertThat(points).isGreaterThan(8);
        for (int at = 1; at <= points; at++) {
            for (int n = 0; n < 2 * DirectCalls.LINES; n++) {
                ticker.advance(Duration.ofSeconds(10));
                int unused = failed(at, direct::call);
            }
            everybodyIsAnsweredDirectly();
        }
    }

    /** Beside others, so that it is queued, and read for by them. */
    @Test
    void of_callers_that_share_calls_with_others() throws Exception {
        everybodyIsAnsweredDirectly();
        int points = failed(0, direct::call);
        for (int at = 1; at <= points; at++) {
            List<Future<?>> all = new ArrayList<>();
            for (int n = 0; n < 2 * CALLERS; n++) {
                int where = n % 2 == 0 ? at : 0;
                all.add(callers.submit(() -> failed(where, direct::call)));
                ticker.advance(Duration.ofSeconds(10));
            }
            for (Future<?> one : all) {
                // Those beside it may have no answer: they are refused when the answer timeout is over.
                assertThat(one.get(1, TimeUnit.MINUTES)).isNotNull();
            }
            everybodyIsAnsweredDirectly();
        }
    }

    @Test
    void of_callers_whose_requests_are_sent_for_them() throws Exception {
        everybodyIsAnsweredTogether();
        int points = failed(0, shared::send) + 4;
        for (int at = 1; at <= points; at++) {
            for (int n = 0; n < 2 * SharedCalls.ENOUGH; n++) {
                int unused = failed(at, shared::send);
            }
            everybodyIsAnsweredTogether();
        }
    }
}

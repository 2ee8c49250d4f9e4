package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.hapax.test.ManualTicker;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.ForwardingTicker;
import io.hapax.testkit.WallClock;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.redisson.api.RedissonClient;

/** A sweep that has failed half-way does not keep later ones away. */
class SweepTest {

    private static final Duration TTL = Duration.ofSeconds(20);
    private static final Duration ANSWER = Duration.ofSeconds(5);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonClient redisson =
            OwnClient.open(OwnClient.Address.parse(redis.url()), ANSWER, false, OwnClient.Use.ALONE);
    private final Keyspace keyspace = new Keyspace("sweep", 2);
    private final Namespace namespace = Namespace.of(
            keyspace,
            Quarantine.of(TTL, ANSWER, new FirstStart(WallClock.now(), WallClock.REAL), false),
            new MemoryLog("sweep", "there", Ticker.SYSTEM),
            new ScriptCalls(
                    Client.given(redisson),
                    new FirstConnection(false),
                    ANSWER,
                    "there",
                    keyspace.meta(0),
                    InstantSource.fixed(Instant.EPOCH)),
            Added.FORMAT);
    private final Agreement agreement = new Agreement(namespace, TTL, "", false, "there");
    private final ManualTicker ticker = new ManualTicker();
    private final AtomicBoolean noMemory = new AtomicBoolean();

    @AfterEach
    void stop() {
        redisson.shutdown();
        redis.close();
    }

    @Test
    void a_sweep_for_which_there_was_no_memory_is_made_with_a_later_call() {
        agreement.doubt();
        Sweep sweep = new Sweep(
                namespace,
                agreement,
                new ForwardingTicker(ticker) {
                    @Override
                    public NanoTime now() {
                        if (noMemory.get()) {
                            throw new OutOfMemoryError("as if");
                        }
                        return super.now();
                    }
                },
                TTL);
        noMemory.set(true);
        assertThatExceptionOfType(OutOfMemoryError.class).isThrownBy(sweep::now);
        noMemory.set(false);
        sweep.now();
        await().until(agreement::isSettled);
    }
}

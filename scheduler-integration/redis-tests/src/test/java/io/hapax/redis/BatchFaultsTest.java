package io.hapax.redis;

import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Acquisition;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.redisson.api.RedissonClient;

/** What goes wrong with one request of a batch, or beside it, changes no answer of the others. */
class BatchFaultsTest {

    private static final Duration TTL = Duration.ofSeconds(20);

    private final Keyspace keyspace = new Keyspace("faults", 1);
    private final Namespace namespace = Namespace.of(
            keyspace,
            Quarantine.of(TTL, Duration.ofMillis(500), new FirstStart(WallClock.now(), WallClock.REAL), false),
            new MemoryLog("faults", "there", Ticker.SYSTEM),
            new ScriptCalls(
                    Client.given(noClient()),
                    new FirstConnection(false),
                    Duration.ofMillis(500),
                    "there",
                    "hapax:{broken:0}:m",
                    InstantSource.fixed(Instant.EPOCH)),
            Added.FORMAT);

    private static RedissonClient noClient() {
        return (RedissonClient) Proxy.newProxyInstance(
                RedissonClient.class.getClassLoader(),
                new Class<?>[] {RedissonClient.class},
                (proxy, method, arguments) -> null);
    }

    static List<Throwable> anything() {
        return List.of(
                new IllegalStateException("runtime"),
                new AssertionError("error"),
                new OutOfMemoryError("virtual machine"),
                new StackOverflowError(),
                new Exception("sneaky"));
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void sneak(Throwable failure) throws E {
        throw (E) failure;
    }

    private static void throwing(Throwable failure) {
        BatchFaultsTest.<RuntimeException>sneak(failure);
    }

    /** Fails before it has read all that is its own, three answers like those to an acquire. */
    private static final class Broken extends Request<String> {
        private final Throwable failure;
        private final int reads;

        Broken(Keyspace.Keys keys, Throwable failure, int reads) {
            super(keys);
            this.failure = failure;
            this.reads = reads;
        }

        @Override
        List<String> arguments() {
            return List.of();
        }

        @Override
        int answers() {
            return 3;
        }

        @Override
        String read(Iterator<?> answers) {
            for (int n = 0; n < reads; n++) {
                answers.next();
            }
            throwing(failure);
            return "";
        }
    }

    @ParameterizedTest
    @MethodSource("anything")
    void a_request_that_fails_while_it_reads_leaves_the_others_their_own_answers(Throwable failure) {
        for (int reads = 0; reads <= 3; reads++) {
            Broken broken = new Broken(keyspace.of(lock("broken")), failure, reads);
            Request<Boolean> lost = ReleaseRequest.of(namespace, request(lock("lost"), TTL));
            AcquireRequest granted = new AcquireRequest(namespace, request(lock("granted"), TTL));
            new Batch(namespace, List.of(broken, lost, granted))
                    .answered(List.of("", 1L, "5", "1700000000000000", 0L, 1L, "7", "1700000000000001"));

            assertThat(broken.answer()).isCompletedExceptionally();
            assertThat(lost.answer()).isCompletedWithValue(false);
            assertThat(granted.answer())
                    .isCompletedWithValueMatching(answer -> answer instanceof Acquisition.Granted lease
                            && lease.lease().token().value() == 7
                            && lease.lease().identity().equals(lock("granted")));
        }
    }

    @ParameterizedTest
    @MethodSource("anything")
    void an_error_of_who_is_told_of_a_new_server_takes_no_answer_away(Throwable failure) {
        namespace.bucket(keyspace.of(lock("k"))).saw("before");
        namespace.bucket(keyspace.of(lock("k"))).onLoss(() -> throwing(failure));
        AcquireRequest granted = new AcquireRequest(namespace, request(lock("k"), TTL));
        new Batch(namespace, List.of(granted)).answered(List.of("after", 1L, "7", "1700000000000001"));

        assertThat(granted.answer()).isCompletedWithValueMatching(Acquisition.Granted.class::isInstance);
        assertThat(namespace.bucket(keyspace.of(lock("k"))).epoch()).isEqualTo("after");
    }
}

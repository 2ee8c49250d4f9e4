package io.hapax.benchmarks.faults.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.benchmarks.harness.ChildJvm;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real observer in a process of its own, and a real Redis with a real lease. */
@Tag("slow")
class ObserverTest {

    @TempDir
    private Path folder;

    @Test
    void it_writes_down_what_it_is_told_and_what_becomes_of_leases_in_redis() throws Exception {
        Path file = folder.resolve("a.history");
        try (ChildJvm observer = ChildJvm.start(Observer.class, List.of("-Xmx64m"), file.toString());
                EmbeddedRedis redis = EmbeddedRedis.start()) {
            int port = Integer.parseInt(observer.read());
            try (World world = World.connect(port, "alice")) {
                assertThat(world.ask("monitor", "redis-0", Integer.toString(redis.port())))
                        .isEqualTo("ok");
                patiently().until(() -> redis.command("CLIENT", "LIST").contains("cmd=monitor"));
                RedissonLeaseStore store = RedissonLeaseStore.builder()
                        .namespace("benchmark")
                        .url(redis.url())
                        .firstStart(WallClock.now())
                        .build();
                try (JobGuard guard =
                        JobGuard.builder(store).closesStore().withoutLogging().build()) {
                    RunRequest item =
                            RunRequest.lock("account-1").once("item-1").ttl(Duration.ofSeconds(12));
                    // The first answer of a cold client may come late.
                    patiently()
                            .until(() -> guard.run(
                                            item,
                                            run -> run.lease()
                                                    .orElseThrow()
                                                    .owner()
                                                    .value())
                                    .ran());
                }
                world.tell(EventType.BEGIN, "run-1", "ITEM", "item-1", "account-1", 7, "-");
                assertThat(world.ask("busiest", "bob", "alice")).isEqualTo("alice");
                assertThat(world.ask("file", "run-1", "item-1")).isEqualTo("ok");
                assertThat(world.ask("done", "item-1")).isEqualTo("filed -");
            }
            patiently()
                    .untilAsserted(() -> assertThat(read(file))
                            .anySatisfy(event -> {
                                assertThat(event.type()).isEqualTo(EventType.LEASE);
                                assertThat(event.field(1)).endsWith(":l:account-1");
                                assertThat(event.field(2)).hasSize(22);
                                assertThat(event.field(3)).isEqualTo("12000");
                            })
                            .anySatisfy(event -> assertThat(event.type()).isEqualTo(EventType.FREED)));
            assertThat(read(file))
                    .filteredOn(event -> event.source().equals("alice"))
                    .extracting(Event::type)
                    .containsExactly(EventType.BEGIN, EventType.EFFECT);
        }
    }

    @Test
    void it_says_for_how_long_it_had_no_processor() throws Exception {
        Path file = folder.resolve("b.history");
        try (ChildJvm observer = ChildJvm.start(Observer.class, List.of("-Xmx64m"), file.toString())) {
            patiently().until(() -> read(file).stream().anyMatch(event -> event.type() == EventType.STARVED));
            signal("STOP", observer.pid());
            Thread.sleep(300);
            signal("CONT", observer.pid());
            patiently()
                    .untilAsserted(() -> assertThat(read(file))
                            .filteredOn(event -> event.type() == EventType.STARVED)
                            .anySatisfy(event -> {
                                assertThat(event.field(0)).isEqualTo("observer");
                                assertThat(Long.parseLong(event.field(1))).isGreaterThanOrEqualTo(290_000);
                            }));
        }
    }

    /** Another process has to come to its turn. */
    private static ConditionFactory patiently() {
        return await().atMost(Duration.ofSeconds(40));
    }

    private static void signal(String signal, long pid) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(pid))
                        .start()
                        .waitFor())
                .isZero();
    }

    private static List<Event> read(Path file) throws IOException {
        return History.read(file);
    }
}

package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.JobQueue;
import io.hapax.QueuedJob;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.slf4j.LoggerFactory;

/** What is in Redis, and in its log of commands, while a guard with hashed keys works. */
@Isolated
class HashedKeysTest {

    private static final String PERSON = "jane.doe@example.org";

    private final EmbeddedRedis redis =
            EmbeddedRedis.start("--slowlog-log-slower-than", "0", "--slowlog-max-len", "9999");
    private final RedissonLeaseStore store = Fixture.store(redis.url())
            .namespace("people")
            .firstStart(WallClock.now())
            .build();
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.hapax");
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @AfterEach
    void stop() {
        logger.detachAppender(lines);
        logger.setLevel(Level.INFO);
        store.close();
        redis.close();
    }

    private GuardedRun admitted(JobGuard guard, RunRequest request) throws InterruptedException {
        return guard.admit(request).fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        });
    }

    /** Names and values of all keys. */
    private String everything() {
        StringBuilder all = new StringBuilder();
        for (String key : redis.command("KEYS", "*").lines().toList()) {
            String type = redis.command("TYPE", key);
            all.append(key)
                    .append(' ')
                    .append(
                            switch (type) {
                                case "string" -> redis.command("GET", key);
                                case "hash" -> redis.command("HGETALL", key);
                                case "zset" -> redis.command("ZRANGE", key, "0", "-1");
                                case "list" -> redis.command("LRANGE", key, "0", "-1");
                                // Places that are given up go away at any moment.
                                case "none" -> "";
                                default -> throw new AssertionError(key + " is a " + type);
                            })
                    .append('\n');
        }
        return all.toString();
    }

    @Test
    void neither_keys_nor_values_nor_commands_nor_lines_have_the_plain_key() throws Exception {
        logger.setLevel(Level.DEBUG);
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger.addAppender(lines);
        try (JobGuard guard =
                JobGuard.builder(store).hashKeys("0123456789abcdef").build()) {
            RunRequest request = RunRequest.lock("mail/" + PERSON).once("mail/" + PERSON + "@1");
            GuardedRun run = admitted(guard, request);
            GuardedRun limited = admitted(
                    guard,
                    RunRequest.lock(PERSON)
                            .job("mails")
                            .tune(options -> options.withConcurrency(2).with("throttle", "5/1m")));
            CompletableFuture<?> waiting =
                    guard.admitAsync(RunRequest.lock("mail/" + PERSON).waitAtMost(Duration.ofMinutes(1)));
            RunOptions unique = RunOptions.DEFAULTS.with(Map.of("mode", "UNTIL_EXECUTED", "uniqueFor", "1h"));
            assertThat(new QueuedJob(guard, "mails", new LockKey("queue " + PERSON), "1", unique)
                            .enter(id -> JobQueue.Fate.PRESENT)
                            .refusal())
                    .isEmpty();
            JobIdentity other = new JobIdentity(new LockKey("other/" + PERSON), null);
            guard.admin().forceRelease(other, "ann", "a test").join();
            Awaitility.await().until(() -> guard.admin().waiting().size() == 1);
            String before = everything();
            run.complete();
            waiting.cancel(true);
            limited.close();
            assertThat(before)
                    .as("leases, slots, waiters, paces, places, audit")
                    .contains("}:l:h", "}:w:l:h", "}:s:", "}:p:", "}:a ");
            assertThat(everything()).contains("}:d:h");
            assertThat(List.of(before, everything(), redis.command("SLOWLOG", "GET", "-1")))
                    .noneMatch(text -> text.contains(PERSON) || text.contains("jane"));
        }
        assertThat(lines.list)
                .hasSizeGreaterThan(3)
                .noneMatch(line -> line.getFormattedMessage().contains("jane"))
                .noneMatch(line -> line.getMDCPropertyMap().toString().contains("jane"));
    }

    /** So that the test above cannot succeed by looking in the wrong place. */
    @Test
    void without_hashing_they_have_it() throws Exception {
        try (JobGuard guard = JobGuard.builder(store).build();
                GuardedRun run = admitted(guard, RunRequest.lock("mail/" + PERSON))) {
            assertThat(run.isHeld()).isTrue();
            assertThat(everything()).contains(PERSON);
            assertThat(redis.command("SLOWLOG", "GET", "-1")).contains(PERSON);
        }
    }
}

package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.Verdict;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Two replicas with {@code @Scheduled} methods, one of which is killed or frozen while it is at a firing of each: what others have
 * seen it at is taken over or listed, and nothing has two effects. This process is the other replica.
 */
@Tag("slow")
class ScheduledFaultsTest {

    private static final Duration LONGEST = Duration.ofSeconds(90);
    private static final Set<String> TASKS = Set.of("cronAgain", "rateAgain", "far", "near", "cronSkip");
    private static final Set<String> TAKEN_OVER = Set.of("cronAgain", "rateAgain", "far");

    @TempDir
    private Path folder;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final DatabaseAddress database = EmbeddedDatabase.shared()
            .createDatabase("scheduled_" + UUID.randomUUID().toString().replace('-', '_'));
    private final JdbcTemplate jdbc = new JdbcTemplate(database.dataSource());
    private final Contexts contexts = new Contexts();
    private final List<Process> processes = new ArrayList<>();

    @BeforeEach
    void create() {
        Second.REFUSED.clear();
        Second.FIRED.clear();
        Second.firstIsGone = false;
        Second.tables = jdbc;
        jdbc.execute(ScheduledProcess.SCHEMA);
    }

    @AfterEach
    void stop() {
        Second.firstIsGone = true;
        processes.forEach(Process::destroyForcibly);
        contexts.close();
        redis.close();
    }

    /** The replica that comes second: each firing waits until the first one has begun it, or can't any more. */
    @Configuration(proxyBeanMethods = false)
    static class Second extends ScheduledProcess.Application {

        /** Run keys that were refused here because they are at work elsewhere. */
        static final Set<String> REFUSED = ConcurrentHashMap.newKeySet();

        /** Methods that have been fired here: the next firing of each comes in its turn. */
        static final Set<String> FIRED = ConcurrentHashMap.newKeySet();

        static volatile boolean firstIsGone;
        static volatile @Nullable JdbcTemplate tables;

        @Bean
        ScheduledProcess.Turn turn() {
            return (task, planned) -> {
                Instant own = planned == null ? WallClock.now().truncatedTo(ChronoUnit.SECONDS) : planned;
                while (!firstIsGone && !hasBegun(task, own) && !Thread.interrupted()) {
                    LockSupport.parkNanos(50_000_000);
                }
                FIRED.add(task);
            };
        }

        /** One that is late at a fixed rate comes to its earlier firings after its latest one, while the first is held. */
        private static boolean hasBegun(String task, Instant own) {
            return Boolean.TRUE.equals(Objects.requireNonNull(tables)
                    .queryForObject(
                            "SELECT coalesce(bool_or(held OR planned >= CAST(? AS timestamptz)), false) FROM started"
                                    + " WHERE task = ? AND worker = 'first'",
                            Boolean.class,
                            own.toString(),
                            task));
        }

        @Bean
        GuardListener refusals() {
            return event -> {
                if (event instanceof GuardEvent.Refused refused
                        && refused.refusal().verdict() == Verdict.RUNNING) {
                    REFUSED.add(String.valueOf(refused.identity().runKey()));
                }
            };
        }
    }

    /** When the firing of a run key was planned, or its slot begins. */
    static Instant planned(String key) {
        return Instant.parse(key.substring(key.lastIndexOf('@') + 1).split("/", 2)[0]);
    }

    private String[] settings(String worker) {
        return new String[] {
            "spring.application.name=scheduled-faults",
            "hapax.worker=" + worker,
            "hapax.redis.url=" + redis.url(),
            "hapax.redis.first-start=" + WallClock.now(),
            // The first one must not lose what it holds while the second one starts.
            "hapax.defaults.ttl=8s",
            "hapax.ledger.enabled=true",
            "hapax.ledger.migrate=true",
            "database=" + database.jdbcUrl() + "?user=" + database.user() + "&password=" + database.password()
        };
    }

    private Process first() throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx200m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-cp",
                System.getProperty("java.class.path"),
                ScheduledProcess.class.getName()));
        Arrays.stream(settings("first")).map("--"::concat).forEach(command::add);
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("first.log").toFile())
                .start();
        processes.add(process);
        return process;
    }

    private static void tell(Process process, String held) throws IOException {
        process.getOutputStream().write((held + "\n").getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    private static void signal(String signal, Process process) throws Exception {
        assertThat(new ProcessBuilder("kill", signal, Long.toString(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    /** The first replica is at a firing of each method, and the second one has been refused each of them. */
    private Map<String, String> holding(Process first, ConfigurableApplicationContext second) throws IOException {
        assertThat(second.isActive()).isTrue();
        await().atMost(LONGEST).until(() -> Second.FIRED.containsAll(TASKS));
        Instant end = WallClock.now().plus(LONGEST);
        while (true) {
            tell(first, "all");
            await().atMost(LONGEST)
                    .until(() -> first.isAlive() && heldByFirst().keySet().equals(TASKS));
            try {
                await().atMost(Duration.ofSeconds(10))
                        .until(() -> Second.REFUSED.containsAll(heldByFirst().values()));
                return heldByFirst();
            } catch (ConditionTimeoutException late) {
                // It was late for one of them by more than a second, and so never asks for it.
                assertThat(WallClock.now()).as(this::said).isBefore(end);
                jdbc.update("DELETE FROM started WHERE held AND task <> 'far'");
                jdbc.update("DELETE FROM over WHERE worker = 'first'");
                tell(first, "far");
                await().atMost(LONGEST).until(() -> endedByFirst().size() == TASKS.size() - 1);
                // The first one has made up for what it was late with, which the second one has asked for already.
                Instant then = WallClock.now().plusSeconds(2);
                await().atMost(LONGEST).until(() -> startedSince(then) == TASKS.size() - 1);
            }
        }
    }

    private int startedSince(Instant planned) {
        Integer tasks = jdbc.queryForObject(
                "SELECT count(DISTINCT task) FROM started WHERE worker = 'first' AND planned >= CAST(? AS timestamptz)",
                Integer.class,
                planned.toString());
        return tasks == null ? 0 : tasks;
    }

    private Set<String> endedByFirst() {
        return new HashSet<>(jdbc.queryForList("SELECT DISTINCT task FROM over WHERE worker = 'first'", String.class));
    }

    private Map<String, String> heldByFirst() {
        Map<String, String> held = new ConcurrentHashMap<>();
        jdbc.query("SELECT task, run_key FROM started WHERE held AND worker = 'first' ORDER BY planned", row -> {
            held.put(row.getString(1), row.getString(2));
        });
        return held;
    }

    private Set<String> effects(String worker) {
        return new HashSet<>(jdbc.queryForList("SELECT run_key FROM effect WHERE worker = ?", String.class, worker));
    }

    /** As {@code hapax runs list} shows them: broken off, and nobody has run them since. */
    private Set<String> listed(ConfigurableApplicationContext second) {
        Instant now = WallClock.now();
        List<LedgerEntry> entries = second.getBean(RunLedger.class)
                .entries(LedgerQuery.in(10_000, RunState.RUNNING, RunState.LOST))
                .toCompletableFuture()
                .join();
        return entries.stream()
                .filter(entry ->
                        entry.state() == RunState.LOST || entry.deadline().isBefore(now))
                .map(entry -> String.valueOf(entry.identity().runKey()))
                .collect(Collectors.toSet());
    }

    private Set<String> keys(Map<String, String> held, boolean takenOver) {
        return held.entrySet().stream()
                .filter(each -> TAKEN_OVER.contains(each.getKey()) == takenOver)
                .map(Map.Entry::getValue)
                .collect(Collectors.toSet());
    }

    private void taken(Map<String, String> held, ConfigurableApplicationContext second) {
        await().atMost(LONGEST)
                .untilAsserted(
                        () -> assertThat(effects("second")).as(this::said).containsAll(keys(held, true)));
        await().atMost(LONGEST).untilAsserted(() -> assertThat(listed(second)).containsAll(keys(held, false)));
    }

    private void nothingTwice() {
        assertThat(jdbc.queryForList(
                        "SELECT task || ' ' || run_key FROM effect GROUP BY task, run_key HAVING count(*) > 1",
                        String.class))
                .isEmpty();
    }

    private ConfigurableApplicationContext second() throws IOException {
        await().atMost(LONGEST)
                .until(() -> !effects("first").isEmpty() && heldByFirst().containsKey("far"));
        return contexts.start(Second.class, settings("second"));
    }

    @Test
    void firings_of_a_replica_that_is_killed_are_taken_over_or_listed() throws Exception {
        Process first = first();
        ConfigurableApplicationContext second = second();
        Map<String, String> held = holding(first, second);

        first.destroyForcibly().waitFor();
        Second.firstIsGone = true;

        taken(held, second);
        // The fleet goes on.
        int before = effects("second").size();
        await().atMost(LONGEST).until(() -> effects("second").size() > before + 4);
        nothingTwice();
        assertThat(effects("first")).doesNotContainAnyElementsOf(held.values());
        Set<String> begun =
                new HashSet<>(jdbc.queryForList("SELECT run_key FROM started WHERE worker = 'first'", String.class));
        begun.removeAll(effects("first"));
        begun.removeAll(effects("second"));
        await().atMost(LONGEST).untilAsserted(() -> {
            // What is still to be taken over has its effect by and by.
            begun.removeAll(effects("second"));
            assertThat(listed(second)).as("neither has had an effect").containsAll(begun);
        });
    }

    @Test
    void firings_of_a_replica_that_is_frozen_are_taken_over_or_listed_and_it_does_none_of_them_when_it_thaws()
            throws Exception {
        Process first = first();
        ConfigurableApplicationContext second = second();
        Map<String, String> held = holding(first, second);

        signal("-STOP", first);
        Second.firstIsGone = true;
        taken(held, second);
        jdbc.update("DELETE FROM over WHERE worker = 'first'");
        signal("-CONT", first);
        tell(first, "none");

        // It goes on to write, and to commit.
        await().atMost(LONGEST)
                .untilAsserted(() -> assertThat(endedByFirst()).as(this::said).containsAll(TASKS));
        nothingTwice();
        assertThat(effects("first")).doesNotContainAnyElementsOf(keys(held, true));
    }

    private String said() {
        try {
            List<String> lines = Files.readAllLines(folder.resolve("first.log"));
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
        } catch (IOException unread) {
            return unread.toString();
        }
    }
}

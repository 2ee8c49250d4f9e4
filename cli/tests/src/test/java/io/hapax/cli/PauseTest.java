package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** Pauses of keys whose holders are killed and frozen, and without Redis: each command is a process. */
@Tag("slow")
class PauseTest {

    private static final String TTL = "10s";
    private static final int RETRIES = 10;
    private static final String ENDLESS = "echo up >>$0; while :; do sleep 0.1; done";
    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();

    @TempDir
    private Path folder;

    private CommandProcesses commands;
    private String key = "";

    @BeforeAll
    static void letTheNamespaceBeKnown() {
        RedissonLeaseStore.builder()
                .url(REDIS.url())
                .namespace("shop")
                .longestTtl(Duration.ofMinutes(1))
                .answerTimeout(Duration.ofSeconds(10))
                .firstStart(WallClock.now())
                .build()
                .close();
    }

    @BeforeEach
    void begin(TestInfo test) {
        key = test.getTestMethod().orElseThrow().getName();
        commands = new CommandProcesses(
                folder, Map.of("REDIS_URL", REDIS.url(), "HAPAX_NAMESPACE", "shop", "HAPAX_TTL", TTL));
    }

    @AfterEach
    void end() {
        commands.close();
        REDIS.thaw();
    }

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    private Process holder() throws Exception {
        Path log = folder.resolve("holder.log");
        return awaited(
                () -> Files.exists(log),
                "exec",
                key,
                "--wait",
                "1m",
                "--grace",
                "1s",
                "--",
                "sh",
                "-c",
                ENDLESS,
                log.toString());
    }

    /** A command that has come to where it is to be, and still runs; started again if a busy machine was too slow. */
    private Process awaited(Callable<Boolean> isThere, String... arguments) throws Exception {
        Process process = commands.start(arguments);
        for (int n = 0; n < RETRIES && !comes(process, isThere); n++) {
            assertThat(process.exitValue()).isEqualTo(ExitCodes.STORE_SILENT);
            process = commands.start(arguments);
        }
        return process;
    }

    private static boolean comes(Process process, Callable<Boolean> isThere) {
        await().atMost(CommandProcesses.LONGEST).until(() -> isThere.call() || !process.isAlive());
        return process.isAlive();
    }

    /** The exit code of a command of an operator, asked again if Redis did not answer in time. */
    private int answered(String... arguments) throws Exception {
        int code = commands.code(arguments);
        for (int n = 0; n < RETRIES && code == ExitCodes.FAILED; n++) {
            code = commands.code(arguments);
        }
        return code;
    }

    private void pause() throws Exception {
        assertThat(answered("pause", key, "--reason", "it sends wrong sums", "--by", "ann"))
                .isZero();
    }

    private void resume() throws Exception {
        assertThat(answered("resume", key, "--by", "bob")).isZero();
    }

    /** The exit code of a program that wants the key, asked again if a busy machine took longer than the answer may take. */
    private int wanted() throws Exception {
        int code = commands.code("exec", key, "--", "true");
        for (int n = 0; n < RETRIES && code == ExitCodes.STORE_SILENT; n++) {
            code = commands.code("exec", key, "--", "true");
        }
        return code;
    }

    private boolean isHeld() {
        return REDIS.command("EXISTS", "hapax:{shop:0}:l:" + key).equals("1");
    }

    @Test
    void a_program_that_runs_goes_on_and_when_it_is_killed_nobody_follows_until_somebody_resumes() throws Exception {
        Process holder = holder();
        pause();
        assertThat(commands.told("out"))
                .contains("Paused lock key " + key + " in namespace shop: nobody is admitted until 'hapax resume " + key
                        + "'.")
                .contains(" holds it since ", ", and goes on.", "Noted in the audit: ann: it sends wrong sums");
        assertThat(holder.isAlive()).isTrue();
        assertThat(wanted()).isEqualTo(ExitCodes.REFUSED);
        assertThat(commands.told("err")).contains("OVERLAP");
        holder.destroyForcibly();
        await().atMost(CommandProcesses.LONGEST).until(() -> !isHeld());
        assertThat(wanted()).isEqualTo(ExitCodes.REFUSED);
        assertThat(commands.told("err"))
                .contains("was not run: PAUSED: the key is paused since ", "by ann: it sends wrong sums");
        resume();
        assertThat(wanted()).isZero();
    }

    @Test
    void when_its_holder_is_frozen_whoever_waits_for_the_key_waits_until_somebody_resumes() throws Exception {
        Process holder = holder();
        CommandProcesses.signal("STOP", holder);
        pause();
        Path ran = folder.resolve("ran");
        Process waiting = awaited(
                () -> REDIS.command("PUBSUB", "CHANNELS").contains("shop"),
                "exec",
                key,
                "--wait",
                "2m",
                "--",
                "touch",
                ran.toString());
        await().atMost(CommandProcesses.LONGEST).until(() -> !isHeld());
        assertThat(wanted()).isEqualTo(ExitCodes.REFUSED);
        assertThat(commands.told("err")).contains("PAUSED");
        assertThat(waiting.isAlive()).isTrue();
        assertThat(ran).doesNotExist();
        resume();
        assertThat(CommandProcesses.ended(waiting)).isZero();
        assertThat(ran).exists();
        CommandProcesses.signal("CONT", holder);
        assertThat(CommandProcesses.ended(holder)).isEqualTo(ExitCodes.LEASE_LOST);
    }

    @Test
    void without_redis_nothing_is_paused_resumed_or_run_and_a_pause_outlasts_its_absence() throws Exception {
        pause();
        REDIS.freeze();
        assertThat(commands.code("resume", key)).isEqualTo(ExitCodes.FAILED);
        assertThat(commands.code("pause", "other", "--reason", "test")).isEqualTo(ExitCodes.FAILED);
        Path never = folder.resolve("never");
        assertThat(commands.code("exec", key, "--when-unavailable", "FAIL_OPEN", "--", "true"))
                .as("asked to run without a guard while nobody can tell that the key is paused")
                .isZero();
        assertThat(commands.code("exec", key, "--", "touch", never.toString())).isEqualTo(ExitCodes.STORE_SILENT);
        REDIS.thaw();
        assertThat(wanted()).isEqualTo(ExitCodes.REFUSED);
        assertThat(never).doesNotExist();
        int code = ExitCodes.FINE;
        for (int n = 0; n < RETRIES && code == ExitCodes.FINE; n++) {
            // Where an answer comes too late for the machine, it runs without a guard, as it is asked to.
            never = folder.resolve("never-" + n);
            code = commands.code(
                    "exec", key, "--ttl", "1m", "--when-unavailable", "FAIL_OPEN", "--", "touch", never.toString());
        }
        assertThat(code).isEqualTo(ExitCodes.REFUSED);
        assertThat(never).doesNotExist();
        resume();
        assertThat(wanted()).isZero();
        assertThat(answered("locks", "show", key)).isEqualTo(ExitCodes.NOTHING);
        assertThat(commands.told("out"))
                .containsPattern("RESUME by bob: none given audit +\\S+ PAUSE by ann: it sends wrong sums");
    }
}

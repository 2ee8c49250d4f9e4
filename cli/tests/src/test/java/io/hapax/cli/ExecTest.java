package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.testkit.EmbeddedRedis;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** {@code hapax exec} as a process, and programs that it runs: killed, frozen, without Redis. */
@Tag("slow")
class ExecTest {

    private static final Duration LONGEST = Duration.ofSeconds(90);
    private static final int RETRIES = 10;
    /** Long enough for a machine that is busy with other tests, and so long that nobody wants to wait for its end. */
    private static final String CALM = "12s";
    /** Of leases that are lost here. */
    private static final String SHORT = "6s";

    /** Says that it runs, notes what it is sent, and ends by it. */
    private static final String POLITE = "trap 'echo TERM >>$0; exit 7' TERM; trap 'echo HUP >>$0; exit 8' HUP;"
            + " trap 'echo INT >>$0; exit 9' INT; echo up >>$0; while :; do sleep 0.1; done";

    /** Starts another process, names it, and ignores what asks it to end. */
    private static final String STUBBORN =
            "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo $$ $! >>$0;"
                    + " echo up >>$0; while :; do sleep 0.1; done";

    @TempDir
    private Path folder;

    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();
    private static final Set<String> KNOWN = new HashSet<>();

    private final List<Process> started = new ArrayList<>();
    private String key = "";
    private String ttl = CALM;
    private Path log;

    @BeforeEach
    void letTheNamespaceBeKnown(TestInfo test) throws Exception {
        key = test.getTestMethod().orElseThrow().getName();
        log = folder.resolve("program.log");
        ttl = test.getTags().contains("short") ? SHORT : CALM;
        if (KNOWN.add(ttl)) {
            // The first grant in a new namespace may have to wait for those of whom the server may have forgotten.
            assertThat(code("first", "--wait", "1m", "--", "true")).isZero();
        }
    }

    @AfterEach
    void end() {
        started.forEach(process -> {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        });
        REDIS.thaw();
    }

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    private Process exec(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                // What started these tests may have had them ignored, and a shell cannot trap what was ignored before.
                "env",
                "--default-signal=HUP,INT",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx96m",
                "-cp",
                System.getProperty("java.class.path"),
                HapaxCommandLine.class.getName(),
                "exec",
                "--ttl",
                ttl));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectError(
                        ProcessBuilder.Redirect.appendTo(folder.resolve("err").toFile()))
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(folder.resolve("out").toFile()));
        builder.environment().putAll(Map.of("REDIS_URL", REDIS.url(), "HAPAX_NAMESPACE", "shop" + ttl));
        Process process = ChildProcess.start(builder);
        started.add(process);
        return process;
    }

    /** The exit code of a command, asked again if a busy machine took longer than the answer may take. */
    private int code(String... arguments) throws Exception {
        return code(exec(arguments), arguments);
    }

    /** Likewise, of a command that has been started. */
    private int code(Process first, String... arguments) throws Exception {
        int code = ended(first);
        for (int n = 0; n < RETRIES && code == ExitCodes.STORE_SILENT; n++) {
            code = ended(exec(arguments));
        }
        return code;
    }

    /** A command that has come to where it is to be, and still runs; started again if a busy machine was too slow. */
    private Process awaited(Callable<Boolean> isThere, String... arguments) throws IOException {
        Process exec = exec(arguments);
        for (int n = 0; n < RETRIES && !comes(exec, isThere); n++) {
            assertThat(exec.exitValue()).isEqualTo(ExitCodes.STORE_SILENT);
            exec = exec(arguments);
        }
        return exec;
    }

    private static boolean comes(Process exec, Callable<Boolean> isThere) {
        await().atMost(LONGEST).until(() -> isThere.call() || !exec.isAlive());
        return exec.isAlive();
    }

    private Process running(String program, String... options) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(key, "--wait", "1m"));
        arguments.addAll(List.of(options));
        arguments.addAll(List.of("--", "sh", "-c", program, log.toString()));
        return awaited(() -> log().contains("up"), arguments.toArray(String[]::new));
    }

    private List<String> log() throws IOException {
        return Files.exists(log) ? Files.readAllLines(log) : List.of();
    }

    private String told(String file) throws IOException {
        return Files.readString(folder.resolve(file), StandardCharsets.UTF_8);
    }

    private static int ended(Process process) throws InterruptedException {
        assertThat(process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    private static void signal(String signal, Process process) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    /** A zombie whose parent reaps nobody counts as ended. */
    private static boolean isAlive(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return !stat.startsWith(") Z", stat.lastIndexOf(')'));
        } catch (IOException ended) {
            return false;
        }
    }

    private void assertSomebodyElseRuns() throws Exception {
        assertThat(code(key, "--wait", "1m", "--", "true")).isZero();
    }

    @Test
    void a_program_gets_input_output_keys_and_token_and_its_exit_code_is_that_of_the_command() throws Exception {
        int code = ExitCodes.STORE_SILENT;
        for (int n = 0; n < RETRIES && code == ExitCodes.STORE_SILENT; n++) {
            Files.deleteIfExists(folder.resolve("err"));
            Process exec = exec(
                    key,
                    "--wait",
                    "1m",
                    "--once",
                    "2026-11-29",
                    "--",
                    "sh",
                    "-c",
                    "read line; echo \"$line $HAPAX_KEY $HAPAX_RUN_KEY $HAPAX_ATTEMPT $HAPAX_FENCING_TOKEN\"; exit 41");
            exec.getOutputStream().write("hello\n".getBytes(StandardCharsets.UTF_8));
            exec.getOutputStream().flush();
            code = ended(exec);
        }
        assertThat(code).isEqualTo(41);
        assertThat(told("out")).matches("hello " + key + " " + key + "@2026-11-29 1 [0-9]{10,}\n");
        assertThat(told("err")).isEmpty();
    }

    @Test
    void an_occurrence_that_has_completed_does_not_run_again_and_one_that_failed_does() throws Exception {
        String[] once = {key, "--once", "7", "--", "sh", "-c", "echo ran >>$0; exit $1", log.toString(), "1"};
        assertThat(code(once)).isEqualTo(1);
        once[once.length - 1] = "0";
        assertThat(code(once)).isZero();
        assertThat(code(once)).isEqualTo(ExitCodes.REFUSED);
        assertThat(told("err")).contains("hapax: " + key + " was not run: DONE: completed by ");
        assertThat(log()).containsExactly("ran", "ran");
    }

    @Test
    void a_key_that_somebody_holds_is_refused_or_waited_for() throws Exception {
        Process first = running(POLITE);
        assertThat(code(key, "--", "true")).isEqualTo(ExitCodes.REFUSED);
        assertThat(code(key, "--skip-ok", "--", "false")).isZero();
        assertThat(told("err")).contains("hapax: " + key + " was not run: OVERLAP: the key is held by ");
        String[] next = {key, "--wait", "1m", "--", "sh", "-c", "echo next >>$0", log.toString()};
        Process waiting = exec(next);
        signal("TERM", first);
        assertThat(ended(first)).isEqualTo(7);
        assertThat(code(waiting, next)).isZero();
        assertThat(log()).containsExactly("up", "TERM", "next");
    }

    @Test
    void signals_are_handed_on_and_the_end_is_the_programs() throws Exception {
        Process hung = running(POLITE);
        signal("HUP", hung);
        assertThat(ended(hung)).isEqualTo(8);
        Files.delete(log);
        Process interrupted = running(POLITE);
        signal("INT", interrupted);
        assertThat(ended(interrupted)).isEqualTo(9);
        assertThat(code(key, "--", "sh", "-c", "kill -KILL $$")).isEqualTo(128 + 9);
    }

    @Test
    void a_signal_while_it_waits_for_the_key_ends_the_wait() throws Exception {
        Process first = running(POLITE);
        Process waiting = awaited(
                () -> REDIS.command("PUBSUB", "CHANNELS").contains("shop" + ttl),
                key,
                "--wait",
                "10m",
                "--",
                "touch",
                folder.resolve("never").toString());
        signal("TERM", waiting);
        assertThat(ended(waiting)).isEqualTo(128 + 15);
        assertThat(folder.resolve("never")).doesNotExist();
        assertThat(first.isAlive()).isTrue();
    }

    @Test
    void what_cannot_be_run_is_told_as_by_a_shell_and_the_key_is_free() throws Exception {
        assertThat(code(key, "--", "/no/such/program")).isEqualTo(127);
        assertThat(code(key, "--", folder.toString())).isEqualTo(126);
        assertThat(told("err")).contains("hapax: /no/such/program cannot be run: ");
        assertThat(code(key, "--", "true")).isZero();
    }

    @Test
    void without_redis_nothing_is_run() throws Exception {
        REDIS.freeze();
        Path never = folder.resolve("never");
        assertThat(ended(exec(key, "--skip-ok", "--", "touch", never.toString())))
                .isEqualTo(ExitCodes.STORE_SILENT);
        assertThat(ended(exec(key, "--redis", "redis://127.0.0.1:1", "--", "touch", never.toString())))
                .isEqualTo(ExitCodes.STORE_SILENT);
        assertThat(never).doesNotExist();
        assertThat(told("err")).contains("cannot connect to Redis at 127.0.0.1:1: connection refused");
    }

    @Test
    @Tag("short")
    void when_redis_is_frozen_the_program_is_asked_to_end_before_somebody_else_can_run() throws Exception {
        Process exec = running(POLITE);
        REDIS.freeze();
        assertThat(ended(exec)).isEqualTo(ExitCodes.LEASE_LOST);
        assertThat(log()).containsExactly("up", "TERM");
        assertThat(told("err")).contains("the lease of " + key + " was lost while the command ran (NOT_RENEWED)");
        REDIS.thaw();
        assertSomebodyElseRuns();
    }

    @Test
    @Tag("short")
    void what_does_not_end_when_the_lease_is_lost_is_killed_with_all_that_it_has_started() throws Exception {
        Process exec = running(STUBBORN, "--grace", "1s");
        List<Long> both = Stream.of(log().get(0).split(" ")).map(Long::valueOf).toList();
        REDIS.freeze();
        assertThat(ended(exec)).isEqualTo(ExitCodes.LEASE_LOST);
        await().atMost(LONGEST).until(() -> both.stream().noneMatch(ExecTest::isAlive));
    }

    @Test
    @Tag("short")
    void when_it_is_killed_its_program_is_ended_and_the_key_is_free_after_the_ttl() throws Exception {
        Process exec = running(STUBBORN, "--grace", "1s");
        List<Long> both = Stream.of(log().get(0).split(" ")).map(Long::valueOf).toList();
        exec.destroyForcibly();
        await().atMost(LONGEST).until(() -> both.stream().noneMatch(ExecTest::isAlive));
        assertSomebodyElseRuns();
    }

    @Test
    @Tag("short")
    void when_it_is_frozen_its_program_is_ended_with_the_lease_and_it_says_so_when_it_goes_on() throws Exception {
        Process exec = running(POLITE);
        signal("STOP", exec);
        await().atMost(LONGEST).until(() -> log().contains("TERM"));
        assertSomebodyElseRuns();
        signal("CONT", exec);
        assertThat(ended(exec)).isEqualTo(ExitCodes.LEASE_LOST);
    }

    /** In the end nothing is left behind: neither guardians nor leases. */
    @Test
    void a_program_that_ends_by_itself_leaves_nothing_behind() throws Exception {
        Process exec = running("echo up >>$0; while [ ! -e $0.end ]; do sleep 0.1; done");
        List<ProcessHandle> children = exec.descendants().toList();
        assertThat(children).hasSizeGreaterThan(1);
        Files.createFile(new File(log + ".end").toPath());
        assertThat(ended(exec)).isZero();
        await().atMost(LONGEST).until(() -> children.stream().noneMatch(child -> isAlive(child.pid())));
        assertThat(REDIS.command("KEYS", "hapax:{shop" + ttl + ":0}:l:" + key + "*"))
                .isEmpty();
    }
}

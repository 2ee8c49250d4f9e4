package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A signal to {@code hapax exec} that comes when the key is granted already, and the program is not yet started. */
class EarlySignalTest {

    private static final Duration LONGEST = Duration.ofSeconds(90);
    /** Ends by the signal, or, if that came before it could say so, as any program does. */
    private static final String PROGRAM = "trap 'exit 8' HUP; while :; do sleep 0.1; done";

    @TempDir
    private Path folder;

    /** In a process of its own, since it gets a signal. */
    static final class Command {

        private Command() {}

        public static void main(String[] arguments) throws Exception {
            ExecSignals signals = new ExecSignals();
            signals.catchThem();
            JobGuard guard =
                    JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM)).build();
            GuardedRun run = guard.admit(RunRequest.lock("k").tune(any -> any.withOnLeaseLost(OnLeaseLost.SIGNAL)))
                    .fold(admitted -> admitted, refused -> null);
            try (run;
                    GuardedRun.Scope scope = run.enter()) {
                new ProcessBuilder(
                                "kill",
                                "-HUP",
                                Long.toString(ProcessHandle.current().pid()))
                        .start();
                while (!Thread.currentThread().isInterrupted()) {
                    Thread.onSpinWait();
                }
                int code = new GuardedCommand(guard, run, LONGEST, signals).run(List.of("sh", "-c", PROGRAM), "k");
                System.out.println("ended with " + code + ", held: " + run.isHeld());
            }
            System.exit(0);
        }
    }

    @Test
    void is_handed_on_to_the_program_whose_end_is_waited_for_under_the_lease() throws Exception {
        Path said = folder.resolve("said");
        Process command = ChildProcess.start(new ProcessBuilder(
                        "env",
                        "--default-signal=HUP",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx96m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Command.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(said.toFile()));
        try {
            assertThat(command.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(Files.readString(said, StandardCharsets.UTF_8))
                    .containsPattern("ended with (8|129), held: true")
                    .doesNotContain("InterruptedException");
        } finally {
            command.descendants().forEach(ProcessHandle::destroyForcibly);
            command.destroyForcibly();
        }
    }
}

package io.hapax.cli;

import io.hapax.cli.Signals.Ending;
import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A process that runs only as long as somebody guards it: a shell beside it, the guardian, ends it if this JVM is killed, or is frozen
 * for longer than the lease lives. Thread-safe.
 */
final class GuardedProcess {

    /** With shells and signals as POSIX has them. */
    private static final boolean UNIX = !System.getProperty("os.name", "").startsWith("Windows");

    private final Process process;
    private final @Nullable Process guardian;
    private final Duration grace;

    private GuardedProcess(Process process, @Nullable Process guardian, Duration grace) {
        this.process = process;
        this.guardian = guardian;
        this.grace = grace;
    }

    /**
     * Starts a command with the input, output and environment of this process.
     *
     * @param command the program and its arguments
     * @param more further variables of the environment
     * @param grace how long it may take to end by itself
     * @param lives how long the lease lives from now on; zero if there is none
     */
    static GuardedProcess start(List<String> command, Map<String, String> more, Duration grace, Duration lives)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().putAll(more);
        // The guardian first: from its first moment on the process is guarded.
        Process guardian = UNIX ? guardian(grace, lives) : null;
        if (guardian != null) {
            builder.environment().put("HAPAX_GUARDIAN", guardian.pid() + ".");
        }
        try {
            GuardedProcess guarded = new GuardedProcess(builder.start(), guardian, grace);
            guarded.tell(Long.toString(guarded.process.pid()));
            return guarded;
        } catch (IOException | RuntimeException e) {
            tell(guardian, "end");
            throw e;
        }
    }

    private static Process guardian(Duration grace, Duration lives) throws IOException {
        return new ProcessBuilder(
                        "sh",
                        "-c",
                        script(),
                        "hapax-guardian",
                        Long.toString(seconds(grace)),
                        Long.toString(seconds(lives)))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static String script() throws IOException {
        try (InputStream script = GuardedProcess.class.getResourceAsStream("guardian.sh")) {
            if (script == null) {
                throw new IllegalStateException("guardian.sh is missing from this jar");
            }
            return new String(script.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Rounded up, as shells know whole ones only. */
    private static long seconds(Duration duration) {
        return duration.plusMillis(999).toSeconds();
    }

    /** Tells the guardian how long the lease lives from now on. */
    void lives(Duration left) {
        tell(Long.toString(Math.max(1, seconds(left))));
    }

    private void tell(String line) {
        tell(guardian, line);
    }

    private static void tell(@Nullable Process guardian, String line) {
        if (guardian == null) {
            return;
        }
        try {
            OutputStream order = guardian.getOutputStream();
            order.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
            order.flush();
        } catch (IOException gone) {
            // It has ended the process, or somebody has ended it: the lease is watched here as before.
        }
    }

    /** Waits for its end; false if that does not come in time. */
    boolean ends(Duration atMost) throws InterruptedException {
        return process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The exit code of the process, which has ended, and lets the guardian go. */
    int exitCode() {
        tell("end");
        return process.exitValue();
    }

    /** Hands a signal on. What a terminal sends, it sends to all processes of the command line at once. */
    void signal(Ending ending) {
        if (ending == Ending.INT && isAtTerminal()) {
            return;
        }
        if (ending == Ending.TERM || !UNIX) {
            process.destroy();
            return;
        }
        try {
            var unused = new ProcessBuilder("kill", "-" + ending, Long.toString(process.pid()))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            process.destroy();
        }
    }

    /** Newer JDKs have a console also where there is no terminal. */
    @SuppressWarnings("SystemConsoleNull")
    private static boolean isAtTerminal() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (ReflectiveOperationException before22) {
            return true;
        }
    }

    /** Ends it and all that it has started: asks first, and insists after the grace. */
    void end() throws InterruptedException {
        List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
        all.add(process.toHandle());
        all.forEach(ProcessHandle::destroy);
        long end = System.nanoTime() + grace.toNanos();
        while (all.stream().anyMatch(ProcessHandle::isAlive) && System.nanoTime() - end < 0) {
            TimeUnit.MILLISECONDS.sleep(20);
        }
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        all.forEach(ProcessHandle::destroyForcibly);
    }
}

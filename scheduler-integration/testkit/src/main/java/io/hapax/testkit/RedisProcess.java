package io.hapax.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import redis.embedded.RedisExecProvider;

/** One life of a redis-server process. The executable that comes along is unpacked once a JVM. */
final class RedisProcess {

    private static final int STOP_SECONDS = 10;
    private static final long READY_NANOS = TimeUnit.SECONDS.toNanos(20);
    private static final Object UNPACKING = new Object();
    private static @Nullable Path unpacked;

    private final Process process;

    private RedisProcess(Process process) {
        this.process = process;
    }

    /**
     * Starts a server and waits until it answers; a server that ends at once fails with the end of its log. An argument
     * that comes first and is no option is a configuration file, which Sentinel cannot do without.
     */
    static RedisProcess start(int port, Path folder, List<String> arguments, Map<String, String> environment) {
        Path log = folder.resolve("redis.log");
        boolean hasFile = !arguments.isEmpty() && !arguments.get(0).startsWith("-");
        List<String> command = new ArrayList<>(List.of(executable().toString()));
        command.addAll(arguments.subList(0, hasFile ? 1 : 0));
        command.addAll(List.of("--port", String.valueOf(port), "--bind", "127.0.0.1"));
        command.addAll(List.of("--save", "", "--appendonly", "no", "--dir", folder.toString()));
        command.addAll(arguments.subList(hasFile ? 1 : 0, arguments.size()));
        try {
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment().putAll(environment);
            Process process = builder.directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            awaitReady(process, port, log);
            return new RedisProcess(process);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    command.get(0)
                            + " could not be run; REDIS_SERVER or hapax.redis.server names the redis-server to use,"
                            + " without them it is the one that comes along",
                    e);
        }
    }

    long pid() {
        return process.pid();
    }

    void signal(String signal) {
        ServerProcesses.signal(signal, process.toHandle());
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Asks the server to end, so that it saves what it is configured to save; insists after a while. */
    void stop() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                kill();
            }
        } catch (InterruptedException e) {
            kill();
            throw ServerProcesses.interrupted(e);
        }
    }

    void kill() {
        ServerProcesses.kill(List.of(process.toHandle()));
    }

    private static void awaitReady(Process process, int port, Path log) {
        long start = System.nanoTime();
        while (!answers(port)) {
            boolean late = System.nanoTime() - start > READY_NANOS;
            if (late || !process.isAlive()) {
                process.destroyForcibly();
                throw new IllegalStateException("redis-server " + (late ? "does not answer" : "ended at once")
                        + " on port " + port + "; its log ends with:\n" + ServerProcesses.tail(log));
            }
            try {
                process.waitFor(5, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                process.destroyForcibly();
                throw ServerProcesses.interrupted(e);
            }
        }
    }

    /** An answer that asks for a password is an answer; one that says "still loading" is not. */
    private static boolean answers(int port) {
        try (RespConnection connection = new RespConnection("127.0.0.1", port, false)) {
            String answer = connection.call("PING");
            return answer.equals("PONG") || answer.startsWith("-NOAUTH");
        } catch (IOException notYet) {
            return false;
        }
    }

    private static Path executable() {
        String named = Settings.read("hapax.redis.server", "REDIS_SERVER");
        if (named != null) {
            return Path.of(named);
        }
        synchronized (UNPACKING) {
            Path file = unpacked;
            if (file == null) {
                file = unpack();
                unpacked = file;
            }
            return file;
        }
    }

    private static Path unpack() {
        try {
            File file = RedisExecProvider.defaultProvider().get();
            File folder = file.getAbsoluteFile().getParentFile();
            ServerProcesses.atExit(() -> ServerProcesses.delete(folder.toPath()));
            return file.toPath();
        } catch (IOException | IllegalArgumentException e) {
            throw new IllegalStateException(
                    "no redis-server for this platform could be unpacked; set REDIS_URL to use a server of your own",
                    e);
        }
    }
}

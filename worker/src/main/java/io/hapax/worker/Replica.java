package io.hapax.worker;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A worker process of the demo. It ends when this process does, since its standard input then ends. */
final class Replica implements AutoCloseable {

    private final String name;
    private final Process process;
    private final Path log;

    private Replica(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    static Replica start(String name, Path folder, List<String> options) {
        return start(name, folder, options, Map.of());
    }

    /** With secrets in the environment, which other users of the machine do not see. */
    static Replica start(String name, Path folder, List<String> options, Map<String, String> environment) {
        List<String> arguments = new ArrayList<>(List.of("worker", "--control-stdin", "--name", name));
        arguments.addAll(options);
        return start(name, folder, WorkerMain.class, arguments, environment);
    }

    /** Starts another program as a process of its own; it is up when its output says "is up". */
    static Replica start(String name, Path folder, Class<?> program, List<String> arguments) {
        return start(name, folder, program, arguments, Map.of());
    }

    private static Replica start(
            String name, Path folder, Class<?> program, List<String> arguments, Map<String, String> environment) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx160m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(arguments);
        Path log = folder.resolve(name + ".log");
        try {
            Files.createDirectories(folder);
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
            builder.environment().putAll(environment);
            Process process = builder.start();
            return new Replica(name, process, log);
        } catch (IOException e) {
            throw new IllegalStateException("worker " + name + " could not be started: " + e.getMessage(), e);
        }
    }

    String name() {
        return name;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    long pid() {
        return process.pid();
    }

    /** Whether the worker has said that it is up. */
    boolean isUp() {
        if (!process.isAlive()) {
            throw new IllegalStateException("worker " + name + " ended at once with code " + process.exitValue()
                    + "; the end of its log:\n" + logTail());
        }
        return log().contains(" is up");
    }

    String log() {
        try {
            return Files.exists(log) ? Files.readString(log) : "";
        } catch (IOException e) {
            return "(" + log + " cannot be read: " + e.getMessage() + ")";
        }
    }

    private String logTail() {
        List<String> lines = log().lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 15), lines.size()));
    }

    void drain() {
        say("drain");
    }

    /** Gives an order on the worker's standard input. */
    void say(String order) {
        try {
            OutputStream orders = process.getOutputStream();
            orders.write((order + "\n").getBytes(StandardCharsets.UTF_8));
            orders.flush();
        } catch (IOException gone) {
            // It was killed.
        }
    }

    void kill() {
        process.destroyForcibly();
    }

    void freeze() {
        signal("STOP");
    }

    void thaw() {
        signal("CONT");
    }

    void terminate() {
        process.destroy();
    }

    boolean awaitEnd(long seconds) throws InterruptedException {
        return process.waitFor(seconds, TimeUnit.SECONDS);
    }

    int exitCode() {
        return process.exitValue();
    }

    private void signal(String signal) {
        try {
            int code = new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .redirectErrorStream(true)
                    .redirectOutput(new File("/dev/null"))
                    .start()
                    .waitFor();
            if (code != 0) {
                throw new IllegalStateException("kill -" + signal + " of worker " + name + " failed with code " + code);
            }
        } catch (IOException e) {
            throw new IllegalStateException("the command 'kill' is needed to freeze worker " + name, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}

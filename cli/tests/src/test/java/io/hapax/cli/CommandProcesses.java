package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Commands as processes of their own, with what they say in files. Ends all that it has started. */
final class CommandProcesses implements AutoCloseable {

    static final Duration LONGEST = Duration.ofSeconds(90);

    private final Path folder;
    private final Map<String, String> environment;
    private final List<Process> started = new ArrayList<>();

    CommandProcesses(Path folder, Map<String, String> environment) {
        this.folder = folder;
        this.environment = environment;
    }

    Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx96m",
                "-cp",
                System.getProperty("java.class.path"),
                HapaxCommandLine.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectError(
                        ProcessBuilder.Redirect.appendTo(folder.resolve("err").toFile()))
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(folder.resolve("out").toFile()));
        builder.environment().putAll(environment);
        Process process = ChildProcess.start(builder);
        started.add(process);
        return process;
    }

    int code(String... arguments) throws Exception {
        return ended(start(arguments));
    }

    static int ended(Process process) throws InterruptedException {
        assertThat(process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    static void signal(String signal, Process process) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    /** What commands have said so far: {@code out} or {@code err}, blanks and line ends alike. */
    String told(String file) throws IOException {
        Path path = folder.resolve(file);
        return Files.exists(path)
                ? Files.readString(path, StandardCharsets.UTF_8).replaceAll("\\s+", " ")
                : "";
    }

    @Override
    public void close() {
        started.forEach(process -> {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        });
    }
}

package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a main class with this class path in a JVM of its own. */
final class ChildJvm {

    private ChildJvm() {}

    /** Returns the lines that were printed, once the JVM has ended with the expected exit code. */
    static List<String> run(Class<?> main, int exitCode, String... options) throws IOException, InterruptedException {
        Path output = Files.createTempFile("child-jvm", ".txt");
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command = new ArrayList<>(List.of(java));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        try {
            Process jvm = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            assertThat(jvm.waitFor(3, TimeUnit.MINUTES)).isTrue();
            List<String> lines = Files.readAllLines(output);
            assertThat(jvm.exitValue()).as(String.join("\n", lines)).isEqualTo(exitCode);
            return lines;
        } finally {
            Files.delete(output);
        }
    }
}

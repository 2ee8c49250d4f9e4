package io.hapax.worker;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of the machine that a test asks; where it is absent, the test is skipped and says so. */
final class Tool {

    private final List<String> command;

    private Tool(List<String> command) {
        this.command = command;
    }

    /** What a program has said. */
    record Result(int code, String output) {}

    /** The first of some commands that can be run. */
    static Tool of(String whereFrom, List<List<String>> commands, String probe) throws Exception {
        for (List<String> command : commands) {
            Tool tool = new Tool(command);
            if (tool.works(probe)) {
                return tool;
            }
        }
        if (System.getenv("HAPAX_TOOLS_REQUIRED") != null) {
            throw new AssertionError("none of " + commands + " works here: " + whereFrom);
        }
        assumeTrue(false, "NOT CHECKED, since none of " + commands + " works here: " + whereFrom);
        throw new AssertionError("assumed above");
    }

    private boolean works(String probe) throws InterruptedException {
        try {
            return run(probe).code() == 0;
        } catch (IOException absent) {
            return false;
        }
    }

    Result run(String... arguments) throws IOException, InterruptedException {
        return run(List.of(arguments), "");
    }

    Result run(List<String> arguments, String input) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(command);
        all.addAll(arguments);
        Path given = Files.writeString(Files.createTempFile("hapax-tool", ".in"), input);
        Path said = Files.createTempFile("hapax-tool", ".out");
        try {
            Process process = new ProcessBuilder(all)
                    .redirectInput(given.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(said.toFile())
                    .start();
            if (!process.waitFor(5, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new AssertionError(all + " did not end");
            }
            return new Result(process.exitValue(), Files.readString(said, StandardCharsets.UTF_8));
        } finally {
            Files.delete(given);
            Files.delete(said);
        }
    }
}

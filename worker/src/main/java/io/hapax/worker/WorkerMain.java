package io.hapax.worker;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The entry point: {@code worker} is one replica, {@code demo} shows a fleet of them. */
@Command(
        name = "hapax",
        mixinStandardHelpOptions = true,
        version = "hapax 0.1.0-SNAPSHOT",
        description = "Keeps background jobs from running twice.",
        subcommands = {WorkerCommand.class, DemoCommand.class})
public final class WorkerMain {

    /** Created by picocli. */
    public WorkerMain() {}

    /**
     * Runs a command and exits with its code: 0 fine, 1 the demo found what must not be or something failed, 2 wrong
     * usage.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        System.exit(commandLine().execute(args.length == 0 ? new String[] {"--help"} : args));
    }

    static CommandLine commandLine() {
        return new CommandLine(new WorkerMain())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((failure, line, parsed) -> {
                    String message = failure.getMessage();
                    line.getErr().println("hapax: " + (message == null ? failure.toString() : message));
                    return failure instanceof IllegalArgumentException ? 2 : 1;
                });
    }
}

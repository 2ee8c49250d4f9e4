package io.hapax.worker;

import java.io.PrintWriter;
import java.time.InstantSource;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The entry point: replicas, the demo, and what people ask and do at night. */
@Command(
        name = "hapax",
        description = "Keeps background jobs from running twice.",
        subcommands = {
            WorkerCommand.class,
            DemoCommand.class,
            LocksCommand.class,
            RunsCommand.class,
            DoctorCommand.class,
            CompletionCommand.class
        })
public final class WorkerMain {

    private static final String VERSION = "hapax 0.1.0-SNAPSHOT";
    private static final List<String> WITH_A_LOG = List.of("worker", "demo");

    private final InstantSource clock;

    private WorkerMain(InstantSource clock) {
        this.clock = clock;
    }

    /**
     * Runs a command and exits with its code, which {@code --help} explains.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        if (args.length == 0 || !WITH_A_LOG.contains(args[0])) {
            keepLogsOffTheAnswer();
        }
        System.exit(commandLine(InstantSource.system()).execute(args.length == 0 ? new String[] {"--help"} : args));
    }

    /** Before anything logs: what a command prints is for pipes, and what fails is told by the command itself. */
    private static void keepLogsOffTheAnswer() {
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "io/hapax/worker/logback-commands.xml");
        }
    }

    /**
     * Makes the command line.
     *
     * @param clock tells the time from which ages and dates are told
     */
    static CommandLine commandLine(InstantSource clock) {
        CommandLine line = new CommandLine(new WorkerMain(clock))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(WorkerMain::misused)
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    String message = failure.getMessage();
                    return failed(
                            command,
                            parsed.originalArgs(),
                            PlainText.withoutPasswords(message == null ? failure.toString() : message),
                            failure instanceof IllegalArgumentException ? ExitCodes.WRONG_USAGE : ExitCodes.FAILED);
                });
        describe(line);
        return line;
    }

    InstantSource clock() {
        return clock;
    }

    /** Help, version and exit codes are the same everywhere. */
    private static void describe(CommandLine line) {
        UsageMessageSpec usage = line.getCommandSpec().usageMessage();
        line.getCommandSpec().mixinStandardHelpOptions(true).version(VERSION);
        usage.exitCodeListHeading("%nExit codes:%n").exitCodeList(ExitCodes.table());
        line.getSubcommands().values().forEach(WorkerMain::describe);
    }

    private static int misused(ParameterException failure, String[] args) {
        CommandLine command = failure.getCommandLine();
        List<String> suggestions =
                failure instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : List.of();
        String problem = PlainText.withoutTypedPasswords(String.valueOf(failure.getMessage()));
        String message = problem
                + (problem.endsWith(".") ? "" : ".")
                + (suggestions.isEmpty() ? "" : " Did you mean " + String.join(" or ", suggestions) + "?")
                + " See '" + command.getCommandSpec().qualifiedName() + " --help'.";
        return failed(command, List.of(args), message, ExitCodes.WRONG_USAGE);
    }

    /** As programs get it. */
    record Failure(String error, int exitCode) {}

    private static int failed(CommandLine command, List<String> args, String message, int exitCode) {
        PrintWriter err = command.getErr();
        err.println(
                args.contains(CommonOptions.JSON)
                        ? CommonOptions.json(new Failure(message, exitCode))
                        : "hapax: " + PlainText.lines(message));
        err.flush();
        return exitCode;
    }
}

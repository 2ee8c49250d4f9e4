package io.hapax.cli;

import java.io.PrintWriter;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command {@code hapax}: what operators ask and do at night. */
@Command(
        name = "hapax",
        description = "Keeps background jobs from running twice.",
        subcommands = {
            WatchCommand.class,
            LocksCommand.class,
            RunsCommand.class,
            PauseCommand.class,
            ResumeCommand.class,
            ExecCommand.class,
            DoctorCommand.class,
            CompletionCommand.class
        })
public final class HapaxCommandLine {

    private static final String VERSION = "hapax 0.1.0-SNAPSHOT";
    private static final String LOG_CONFIGURATION = "logback.configurationFile";

    private final InstantSource clock;

    private HapaxCommandLine(InstantSource clock) {
        this.clock = clock;
    }

    /**
     * Runs a command and exits with its code, which {@code --help} explains.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        if (!HelpPages.answers(args, System.out)) {
            System.exit(answer(args, () -> of(InstantSource.system())));
        }
    }

    /**
     * Runs a command that answers on standard output, which is kept free of logs.
     *
     * @param args the command line; empty for help
     * @param commands makes the commands, before which nothing may have logged
     * @return the exit code
     */
    public static int answer(String[] args, Supplier<CommandLine> commands) {
        if (System.getProperty(LOG_CONFIGURATION) == null) {
            // What a command prints is for pipes, and the command itself says what fails.
            System.setProperty(LOG_CONFIGURATION, "io/hapax/cli/logback-commands.xml");
        }
        return commands.get().execute(args.length == 0 ? new String[] {"--help"} : args);
    }

    /**
     * Makes the command line.
     *
     * @param clock tells the time from which ages and dates are computed
     * @param more further commands, objects that are annotated as picocli asks
     * @return the command line
     */
    public static CommandLine of(InstantSource clock, Object... more) {
        CommandLine line = new CommandLine(new HapaxCommandLine(clock))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(HapaxCommandLine::misused)
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    String message = failure.getMessage();
                    return failed(
                            command,
                            parsed.originalArgs(),
                            PlainText.withoutPasswords(message == null ? failure.toString() : message),
                            failure instanceof IllegalArgumentException ? ExitCodes.WRONG_USAGE : ExitCodes.FAILED);
                });
        for (Object command : more) {
            line.addSubcommand(command);
        }
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
        line.getSubcommands().values().forEach(HapaxCommandLine::describe);
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
        return failed(command, args.contains(CommonOptions.JSON), message, exitCode);
    }

    static int failed(CommandLine command, boolean json, String message, int exitCode) {
        PrintWriter err = command.getErr();
        err.println(json ? CommonOptions.json(new Failure(message, exitCode)) : "hapax: " + PlainText.lines(message));
        err.flush();
        return exitCode;
    }
}

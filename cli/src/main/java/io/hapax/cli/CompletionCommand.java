package io.hapax.cli;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints a script that completes command lines. */
@Command(
        name = "completion",
        description =
                "Prints a script for bash and zsh that completes commands and options: source <(hapax completion)")
final class CompletionCommand implements Callable<Integer> {

    @Spec
    private @Nullable CommandSpec command;

    @Override
    public Integer call() {
        if (command == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        var out = command.commandLine().getOut();
        out.print(AutoComplete.bash("hapax", command.root().commandLine()));
        out.flush();
        return ExitCodes.FINE;
    }
}

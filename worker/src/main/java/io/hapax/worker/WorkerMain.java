package io.hapax.worker;

import io.hapax.cli.HapaxCommandLine;
import java.time.InstantSource;
import java.util.List;
import picocli.CommandLine;

/** The entry point: replicas, the demo, and the commands of {@code hapax}. */
public final class WorkerMain {

    private static final List<String> WITH_A_LOG = List.of("worker", "demo");

    private WorkerMain() {}

    /**
     * Runs a command and exits with its code, which {@code --help} explains.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        boolean withLog = args.length > 0 && WITH_A_LOG.contains(args[0]);
        System.exit(
                withLog
                        ? commandLine(InstantSource.system()).execute(args)
                        : HapaxCommandLine.answer(args, () -> commandLine(InstantSource.system())));
    }

    static CommandLine commandLine(InstantSource clock) {
        return HapaxCommandLine.of(clock, new WorkerCommand(), new DemoCommand());
    }
}

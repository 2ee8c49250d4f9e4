package io.hapax.worker;

import io.hapax.Setting;
import io.hapax.cli.RunSettingOptions;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** What the help of a command says of its options. */
public final class SettingOptions {

    private SettingOptions() {}

    /** Of a command that has an option for each of some settings. */
    public static Map<String, String> help(List<Setting<?>> settings) {
        CommandSpec command = CommandSpec.create();
        RunSettingOptions.addTo(command, settings);
        return described(command);
    }

    /** Of the worker. */
    public static Map<String, String> ofWorker() {
        return described(WorkerMain.commandLine(InstantSource.fixed(Instant.EPOCH))
                .getSubcommands()
                .get("worker")
                .getCommandSpec());
    }

    private static Map<String, String> described(CommandSpec command) {
        Map<String, String> all = new TreeMap<>();
        for (OptionSpec option : command.options()) {
            all.put(option.longestName(), String.join(" ", option.description()));
        }
        return all;
    }
}

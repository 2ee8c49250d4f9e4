package io.hapax.cli;

import io.hapax.RunOptions;
import io.hapax.Setting;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** An option and an environment variable for each setting of a run: {@code --max-hold} and {@code HAPAX_MAX_HOLD}. */
public final class RunSettingOptions {

    private RunSettingOptions() {}

    /**
     * Adds the options.
     *
     * @param command gets them
     * @param settings which ones
     */
    public static void addTo(CommandSpec command, List<Setting<?>> settings) {
        for (Setting<?> setting : settings) {
            command.addOption(OptionSpec.builder(option(setting))
                    .type(String.class)
                    .paramLabel("VALUE")
                    .description(setting.meaning() + " (" + setting.allowed() + ") [" + variable(setting) + "]")
                    .build());
        }
    }

    /**
     * Reads what was said; options of the command win over variables.
     *
     * @param command has the options
     * @param settings for which ones
     * @param env the variables
     * @param defaults what holds where neither says anything
     * @return the options of runs
     * @throws IllegalArgumentException if a value is not allowed
     */
    public static RunOptions read(
            CommandSpec command, List<Setting<?>> settings, Map<String, String> env, RunOptions defaults) {
        RunOptions options = defaults;
        for (Setting<?> setting : settings) {
            String written = command.findOption(option(setting)).getValue();
            String value = written != null ? written : env.get(variable(setting));
            if (value != null && !value.isBlank()) {
                options = with(options, setting, value);
            }
        }
        options.requireConsistent();
        return options;
    }

    private static RunOptions with(RunOptions options, Setting<?> setting, String value) {
        try {
            return options.with(setting.name(), value);
        } catch (IllegalArgumentException wrong) {
            String message = String.valueOf(wrong.getMessage());
            throw new IllegalArgumentException(
                    message.replace("setting " + setting, "setting " + option(setting)), wrong);
        }
    }

    static String option(Setting<?> setting) {
        return "--" + setting.kebabName();
    }

    private static String variable(Setting<?> setting) {
        return "HAPAX_" + setting.kebabName().replace('-', '_').toUpperCase(Locale.ROOT);
    }
}

package io.hapax.worker;

import io.hapax.RunOptions;
import io.hapax.Setting;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** An option and an environment variable for each setting of a run: {@code --max-hold} and {@code HAPAX_MAX_HOLD}. */
final class RunSettingOptions {

    private RunSettingOptions() {}

    static void addTo(CommandSpec command, List<Setting<?>> settings) {
        for (Setting<?> setting : settings) {
            command.addOption(OptionSpec.builder(option(setting))
                    .type(String.class)
                    .paramLabel("VALUE")
                    .description(setting.meaning() + " (" + setting.allowed() + ") [" + variable(setting) + "]")
                    .build());
        }
    }

    /** Options of the command win over variables. */
    static RunOptions read(CommandSpec command, Map<String, String> env, RunOptions defaults) {
        RunOptions options = defaults;
        for (Setting<?> setting : Setting.ALL) {
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

package io.hapax.cli;

import io.hapax.lease.Intervention;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Who changes something. */
final class Actor {

    @Option(
            names = {"--actor", "--by"},
            paramLabel = "NAME",
            description = "who, for the audit; by default the system's user")
    private @Nullable String actor;

    Intervention with(@Nullable String reason, String otherwise) {
        return new Intervention(
                actor == null ? System.getProperty("user.name", "unknown") : actor,
                reason == null ? otherwise : reason);
    }
}

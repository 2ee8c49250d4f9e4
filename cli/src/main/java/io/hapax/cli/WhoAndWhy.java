package io.hapax.cli;

import io.hapax.lease.Intervention;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Who changes something, why, and whether really. */
final class WhoAndWhy {

    @Option(names = "--reason", paramLabel = "TEXT", description = "why, for the audit; needed together with --yes")
    private @Nullable String reason;

    @Mixin
    private final Actor actor = new Actor();

    @Option(names = "--yes", description = "do it; without, say what would be done, and change nothing")
    private boolean yes;

    boolean isSure() {
        return yes;
    }

    /** Checked before anything is asked, also of a dry run that has them. */
    Intervention intervention() {
        if (reason == null && yes) {
            throw new IllegalArgumentException("--yes needs a --reason, which is kept in the audit");
        }
        return actor.with(reason, "none yet");
    }

    /** What is missing to do it. */
    String how(String more) {
        return "Nothing was changed. To do it, add" + more + (reason == null ? " --reason '…'" : "") + " --yes";
    }
}

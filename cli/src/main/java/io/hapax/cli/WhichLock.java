package io.hapax.cli;

import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which lease a command is about. */
final class WhichLock {

    @Parameters(paramLabel = "KEY", description = "the key, or what 'locks list --json' shows of it")
    private String key = "";

    @Option(names = "--run-key", description = "KEY is a run key, of a job that has no lock key")
    private boolean runKey;

    String key() {
        return key;
    }

    CompletionStage<Optional<HeldLease>> lookUp(LeaseAdmin leases) {
        if (key.isBlank()) {
            throw new IllegalArgumentException("KEY must not be blank");
        }
        return leases.lease(key, runKey);
    }

    /** As the audit names it. */
    String subject(String name) {
        return (runKey ? "run " : "lock ") + name;
    }

    @Override
    public String toString() {
        return PlainText.visible((runKey ? "run key " : "lock key ") + key);
    }
}

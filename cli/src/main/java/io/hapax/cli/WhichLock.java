package io.hapax.cli;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PausedKey;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which lease a command is about. */
final class WhichLock {

    /** What no shell takes for anything else. */
    private static final Pattern PLAIN = Pattern.compile("[\\w./:@%+,-]+");

    @Parameters(paramLabel = "KEY", description = "the key, or what 'locks list --json' shows of it")
    private String key = "";

    @Option(names = "--run-key", description = "KEY is a run key, of a job that has no lock key")
    private boolean runKey;

    String key() {
        return key;
    }

    boolean isRunKey() {
        return runKey;
    }

    /** The key, taken for what it says. */
    JobIdentity identity() {
        if (key.isBlank()) {
            throw new IllegalArgumentException("KEY must not be blank");
        }
        return runKey ? new JobIdentity(null, new RunKey(key)) : new JobIdentity(new LockKey(key), null);
    }

    /** Whether it looks like what Redis keeps of a long or odd key. */
    boolean isShortened() {
        return PausedKey.isShortened(key);
    }

    /** For what is written under the whole text of a key. */
    void requireWhole() {
        PausedKey.requireWhole(key);
    }

    /** As the arguments of a command, to be copied from a message. */
    String arguments() {
        String text = PLAIN.matcher(key).matches() ? key : "'" + key.replace("'", "'\\''") + "'";
        return PlainText.visible((runKey ? "--run-key " : "") + (key.startsWith("-") ? "-- " : "") + text);
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

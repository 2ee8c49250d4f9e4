package io.hapax.cli;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AuditEntry;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which occurrence a command is about. */
final class WhichRun {

    private static final int AUDIT_LENGTH = 1000;

    @Parameters(paramLabel = "RUNKEY", arity = "0..1", description = "the run key")
    private @Nullable String runKey;

    @Option(
            names = "--lock",
            paramLabel = "LOCKKEY",
            description = "instead of RUNKEY, of a job that has no run key and may repeat")
    private @Nullable String lockKey;

    JobIdentity identity() {
        if ((runKey == null) == (lockKey == null)) {
            throw new IllegalArgumentException(
                    "name one run: either RUNKEY, or --lock LOCKKEY if the job has no run key");
        }
        return runKey != null ? new JobIdentity(null, new RunKey(runKey)) : new JobIdentity(lock(), null);
    }

    private @Nullable LockKey lock() {
        return lockKey == null ? null : new LockKey(lockKey);
    }

    /** What has been decided about it before. */
    List<AuditView> audit(RunLedger ledger, LedgerEntry entry) {
        String run = entry.identity()
                .run()
                .map(RunKey::value)
                .orElseGet(() -> entry.identity().leaseName());
        String subject =
                entry.identity().lock().map(key -> "lock " + key + ", ").orElse("") + "run " + run;
        List<AuditEntry> all = CommonOptions.answer(ledger.audit(AUDIT_LENGTH));
        return all.stream()
                .filter(each -> each.subject().equals(subject))
                .map(AuditView::of)
                .toList();
    }

    /** For when there is none. */
    String none(String namespace) {
        String hint = lockKey == null
                ? "'hapax runs list --text' finds run keys by a part of them."
                : "Runs that have a run key are found by it: hapax runs list --text LOCKKEY.";
        return "The ledger knows no " + this + " in namespace " + namespace + ". " + hint;
    }

    @Override
    public String toString() {
        return PlainText.visible(runKey != null ? "run " + runKey : "run without a run key of lock key " + lockKey);
    }
}

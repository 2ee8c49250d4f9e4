package io.hapax.cli;

import io.hapax.lease.RunKey;
import io.hapax.ledger.LedgerEntry;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** An occurrence of the ledger, as programs get it. */
record RunView(
        @Nullable String runKey,
        @Nullable String lockKey,
        String state,
        String worker,
        String owner,
        long token,
        int attempt,
        String afterCrash,
        Instant started,
        long ageMillis,
        @Nullable Instant renewed,
        Instant deadline,
        boolean overdue,
        @Nullable Instant finished) {

    static RunView of(LedgerEntry entry, Instant now) {
        return new RunView(
                entry.identity().run().map(RunKey::value).orElse(null),
                entry.identity()
                        .lock()
                        .map(lock -> entry.identity().leaseName())
                        .orElse(null),
                entry.state().name(),
                entry.worker(),
                entry.owner().value(),
                entry.token().value(),
                entry.attempt(),
                entry.afterCrash().name(),
                entry.started(),
                Math.max(0, Duration.between(entry.started(), now).toMillis()),
                entry.renewed(),
                entry.deadline(),
                entry.finished() == null && entry.deadline().isBefore(now),
                entry.finished());
    }

    void print(PrintWriter out) {
        LockView.line(out, "run key", runKey == null ? "- (it may repeat)" : runKey);
        LockView.line(out, "lock key", lockKey == null ? "-" : lockKey);
        LockView.line(out, "state", state + (overdue ? ", past its deadline: its run has crashed" : ""));
        LockView.line(out, "worker", worker);
        LockView.line(out, "owner", owner);
        LockView.line(out, "token", token + ", attempt " + attempt + ", after a crash: " + afterCrash);
        LockView.line(
                out,
                "started",
                PlainText.time(started) + ", " + PlainText.duration(Duration.ofMillis(ageMillis)) + " ago");
        LockView.line(out, "renewed", renewed == null ? "-" : PlainText.time(renewed));
        LockView.line(out, "deadline", PlainText.time(deadline));
        LockView.line(out, "finished", finished == null ? "-" : PlainText.time(finished));
    }
}

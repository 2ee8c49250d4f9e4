package io.hapax.cli;

import io.hapax.ops.AuditEntry;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;

/** An entry of the audit, as programs get it. */
record AuditView(Instant at, String action, String subject, String actor, String reason, String holder) {

    static AuditView of(AuditEntry entry) {
        return new AuditView(
                entry.at(),
                entry.action(),
                entry.subject(),
                entry.why().actor(),
                entry.why().reason(),
                entry.holder());
    }

    static void print(PrintWriter out, List<AuditView> audit) {
        for (AuditView entry : audit) {
            out.println(PlainText.visible("audit      " + PlainText.time(entry.at()) + " " + entry.action() + " by "
                    + entry.actor() + ": " + entry.reason()));
        }
    }
}

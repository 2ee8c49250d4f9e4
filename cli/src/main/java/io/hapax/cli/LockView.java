package io.hapax.cli;

import io.hapax.ops.HeldLease;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** A held lease, as programs get it. */
record LockView(
        String key,
        String kind,
        String worker,
        String run,
        String owner,
        long token,
        Instant since,
        long ageMillis,
        long leftMillis,
        boolean awaited) {

    static LockView of(HeldLease lease, Instant now) {
        Instant since = lease.holder().since();
        return new LockView(
                lease.name(),
                lease.onRunKey() ? "run" : "lock",
                lease.holder().worker(),
                lease.holder().run(),
                lease.holder().owner().value(),
                lease.holder().token().value(),
                since,
                Math.max(0, Duration.between(since, now).toMillis()),
                lease.left().toMillis(),
                lease.awaited());
    }

    void print(PrintWriter out) {
        line(out, kind.equals("run") ? "run key" : "lock key", key);
        line(out, "worker", worker);
        line(out, "run", run.isEmpty() ? "-" : run);
        line(out, "owner", owner);
        line(out, "token", Long.toString(token));
        line(out, "since", PlainText.time(since) + ", for " + PlainText.duration(Duration.ofMillis(ageMillis)));
        line(out, "ttl left", PlainText.duration(Duration.ofMillis(leftMillis)) + " unless it is renewed");
        line(out, "awaited", awaited ? "yes" : "no");
    }

    static void line(PrintWriter out, String name, String value) {
        out.println(String.format(Locale.ROOT, "%-10s ", name) + PlainText.visible(value));
    }
}

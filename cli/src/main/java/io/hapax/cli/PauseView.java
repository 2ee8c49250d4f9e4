package io.hapax.cli;

import io.hapax.lease.KeyPause;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.time.Instant;

/** Who has paused a key, as programs get it. */
record PauseView(String actor, String reason, Instant since, long ageMillis, long leftMillis) {

    /** Of a pause that has no end: what is left of the longest time that a store keeps. */
    private static final Duration ENDLESS = DurationText.LONGEST.minusDays(5_000);

    static PauseView of(KeyPause pause, Instant now) {
        return new PauseView(
                pause.why().actor(),
                pause.why().reason(),
                pause.since(),
                Math.max(0, Duration.between(pause.since(), now).toMillis()),
                pause.left().toMillis());
    }

    /** How long it lasts, as text. */
    String until() {
        Duration left = Duration.ofMillis(leftMillis);
        return left.compareTo(ENDLESS) > 0 ? "resumed" : "in " + PlainText.duration(left);
    }

    @Override
    public String toString() {
        String left = until();
        return "since " + PlainText.time(since) + ", for " + PlainText.duration(Duration.ofMillis(ageMillis)) + ", by "
                + actor + ": " + reason + (left.equals("resumed") ? "" : "; it ends " + left);
    }
}

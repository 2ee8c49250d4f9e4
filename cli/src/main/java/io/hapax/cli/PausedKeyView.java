package io.hapax.cli;

import io.hapax.ops.PausedKey;
import java.time.Instant;

/** A paused key, as programs get it. */
record PausedKeyView(
        String key, String kind, String actor, String reason, Instant since, long ageMillis, long leftMillis) {

    static PausedKeyView of(PausedKey key, Instant now) {
        PauseView pause = PauseView.of(key.pause(), now);
        return new PausedKeyView(
                key.name(),
                key.onRunKey() ? "run" : "lock",
                pause.actor(),
                pause.reason(),
                pause.since(),
                pause.ageMillis(),
                pause.leftMillis());
    }

    PauseView pause() {
        return new PauseView(actor, reason, since, ageMillis, leftMillis);
    }
}

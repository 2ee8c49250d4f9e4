package io.hapax.lease;

import java.time.Duration;
import java.time.Instant;

/**
 * A key that is not granted to anybody. Immutable.
 *
 * @param why who paused it, and why
 * @param since since when, by the store's clock
 * @param left how long it stays paused unless somebody resumes it
 */
public record KeyPause(Intervention why, Instant since, Duration left) {}

package io.hapax;

import io.hapax.event.Refusal;
import org.jspecify.annotations.Nullable;

/**
 * Under what a run goes on once it was admitted. Runs with the same options share it, as many thousands may be held.
 *
 * @param engine of the guard that has admitted it
 * @param options its own, or the guard's
 * @param timing follows from the ttl
 * @param wouldBe why it would not have taken place if the guard did more than observe; null if it would
 */
record RunRules(
        Engine engine,
        RunOptions options,
        LeaseTiming timing,
        @Nullable Refusal wouldBe) {}

package io.hapax;

/**
 * Under what a run goes on once it was admitted. Runs with the same options share it, as many thousands may be held.
 *
 * @param engine of the guard that has admitted it
 * @param options its own, or the guard's
 * @param timing follows from the ttl
 */
record RunRules(Engine engine, RunOptions options, LeaseTiming timing) {}

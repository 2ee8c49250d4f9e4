package io.hapax.ops;

import io.hapax.lease.Holder;
import java.time.Duration;

/**
 * A lease as a store keeps it. Immutable.
 *
 * @param name the text of its key, or what the store keeps of it: long or odd texts are shortened
 * @param onRunKey whether that is a run key; else it is a lock key
 * @param holder who holds it
 * @param left how long it lives unless it is renewed
 * @param awaited whether somebody may be waiting for it
 */
public record HeldLease(String name, boolean onRunKey, Holder holder, Duration left, boolean awaited) {}

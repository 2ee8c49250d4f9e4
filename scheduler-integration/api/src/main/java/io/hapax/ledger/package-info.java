/** The port to the durable memory of runs: one row per occurrence, and the fence that a stale run cannot pass. */
@NullMarked
package io.hapax.ledger;

import org.jspecify.annotations.NullMarked;

/** How long it takes until a waiter has a key that somebody gave back. */
@NullMarked
package io.hapax.benchmarks.handover;

import org.jspecify.annotations.NullMarked;

/** Puts Hapax and its peers through the same faults, and tells what happened twice, never, or at once. */
@org.jspecify.annotations.NullMarked
package io.hapax.benchmarks.faults;

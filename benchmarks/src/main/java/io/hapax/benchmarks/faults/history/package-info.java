/** What an independent observer saw, by one clock, and what follows from it. */
@org.jspecify.annotations.NullMarked
package io.hapax.benchmarks.faults.history;

/**
 * A second opinion on a history: it searches for an order in which what was seen is legal. It shares no code with
 * {@code faults.history}, which a rule of the build keeps so, and knows of its files nothing but the format.
 */
@org.jspecify.annotations.NullMarked
package io.hapax.benchmarks.faults.judge;

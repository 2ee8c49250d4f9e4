/** Ordinary life for an hour: whether anything grows that ought not to. */
@org.jspecify.annotations.NullMarked
package io.hapax.benchmarks.soak;

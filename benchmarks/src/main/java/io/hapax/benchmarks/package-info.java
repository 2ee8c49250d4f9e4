/** Measurements. Each variant runs in a JVM of its own, in turns with the others, and only ratios are reported. */
@NullMarked
package io.hapax.benchmarks;

import org.jspecify.annotations.NullMarked;

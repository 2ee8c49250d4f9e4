/** What the guard adds to a job of a scheduler. */
@NullMarked
package io.hapax.benchmarks.adapters;

import org.jspecify.annotations.NullMarked;

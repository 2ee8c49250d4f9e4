/** What taking a lease and giving it back costs, beside the peers. */
@NullMarked
package io.hapax.benchmarks.cycle;

import org.jspecify.annotations.NullMarked;

/** What it costs to hold leases and to renew them. */
@NullMarked
package io.hapax.benchmarks.held;

import org.jspecify.annotations.NullMarked;

/** What the guard costs inside the process, without Redis. */
@NullMarked
package io.hapax.benchmarks.inprocess;

import org.jspecify.annotations.NullMarked;

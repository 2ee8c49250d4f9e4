/** How long operators wait for the console. */
@NullMarked
package io.hapax.benchmarks.console;

import org.jspecify.annotations.NullMarked;

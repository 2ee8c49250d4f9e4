/** How long operators wait for the console, and what it costs Redis. */
@NullMarked
package io.hapax.benchmarks.console;

import org.jspecify.annotations.NullMarked;

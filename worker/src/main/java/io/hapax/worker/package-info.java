/** One replica in plain Java, the demo of a fleet of them, and the command line. Start reading at {@code WorkerAssembly}. */
@NullMarked
package io.hapax.worker;

import org.jspecify.annotations.NullMarked;

/** One replica in plain Java, and the demo of a fleet of them. Start reading at {@code WorkerAssembly}. */
@NullMarked
package io.hapax.worker;

import org.jspecify.annotations.NullMarked;

/** What the measurements share: JVMs of their own for the variants, commands of Redis, tables. */
@NullMarked
package io.hapax.benchmarks.harness;

import org.jspecify.annotations.NullMarked;

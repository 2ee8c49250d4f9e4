/** A worker process of each contender: the same jobs, guarded in its own way. */
@org.jspecify.annotations.NullMarked
package io.hapax.benchmarks.faults.work;

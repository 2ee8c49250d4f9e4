/** What a fleet of many replicas asks of Redis, and what a Cluster costs beside one server. */
@NullMarked
package io.hapax.benchmarks.fleet;

import org.jspecify.annotations.NullMarked;

/** A Quarkus application whose replicas do everything once. */
@NullMarked
package io.hapax.examples.quarkus;

import org.jspecify.annotations.NullMarked;

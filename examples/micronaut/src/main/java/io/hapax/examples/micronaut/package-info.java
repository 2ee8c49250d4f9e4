/** Two replicas of a Micronaut application. */
@NullMarked
package io.hapax.examples.micronaut;

import org.jspecify.annotations.NullMarked;

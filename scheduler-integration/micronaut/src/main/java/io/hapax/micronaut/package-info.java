/** Guarded bean methods, health and meters for Micronaut. */
@NullMarked
package io.hapax.micronaut;

import org.jspecify.annotations.NullMarked;

/**
 * Warns a Spring Boot application that has the annotation, but not the starter that guards bean methods. It comes with the
 * modules of the schedulers, and does nothing beside the starter, or without Spring Boot.
 */
@NullMarked
package io.hapax.spring.check;

import org.jspecify.annotations.NullMarked;

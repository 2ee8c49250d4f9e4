/** A Spring Boot application with Quartz, JobRunr and {@code @Scheduled}, as two replicas. */
@NullMarked
package io.hapax.examples.spring;

import org.jspecify.annotations.NullMarked;

/**
 * Guards the jobs and the bean methods of a Spring Boot application.
 *
 * <p>One dependency and {@code hapax.redis.url}: the Quartz schedulers and JobRunr servers of the application are guarded, and
 * {@link io.hapax.Guarded} works on any bean method. What the application defines itself, a {@code LeaseStore}, a
 * {@code RunLedger} or a {@code JobGuard}, is used instead.
 */
@NullMarked
package io.hapax.spring;

import org.jspecify.annotations.NullMarked;

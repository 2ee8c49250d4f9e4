/**
 * What Spring Boot 3 has under other names than Spring Boot 4: how it asks for health. Applications use
 * {@code hapax-spring-boot-starter}, which brings it along.
 */
@NullMarked
package io.hapax.spring.boot3;

import org.jspecify.annotations.NullMarked;

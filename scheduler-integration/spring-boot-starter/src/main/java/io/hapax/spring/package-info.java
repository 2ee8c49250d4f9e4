/** Guards the jobs and the bean methods of a Spring Boot application. */
@org.jspecify.annotations.NullMarked
package io.hapax.spring;

/** For tests of applications: the guard without a Redis. */
@NullMarked
package io.hapax.spring.test;

import org.jspecify.annotations.NullMarked;

/** Contracts to pass, judges of histories, and real servers that can be killed and frozen. What tests of applications need is in {@code hapax-test}. */
@NullMarked
package io.hapax.testkit;

import org.jspecify.annotations.NullMarked;

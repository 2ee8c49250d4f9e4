/** Contracts to pass, doubles that pass them, time that stands still, and real servers that can be broken. */
@NullMarked
package io.hapax.testkit;

import org.jspecify.annotations.NullMarked;

/** The guard's events as Micrometer meters. */
@NullMarked
package io.hapax.micrometer;

import org.jspecify.annotations.NullMarked;

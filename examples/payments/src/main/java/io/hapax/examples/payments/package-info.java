/** Payments without double charge. */
@NullMarked
package io.hapax.examples.payments;

import org.jspecify.annotations.NullMarked;

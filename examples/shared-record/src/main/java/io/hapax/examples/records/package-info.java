/** Single writes to a record that several workers change. */
@NullMarked
package io.hapax.examples.records;

import org.jspecify.annotations.NullMarked;

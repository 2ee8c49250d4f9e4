/** A section that two services must not enter at once. */
@NullMarked
package io.hapax.examples.section;

import org.jspecify.annotations.NullMarked;

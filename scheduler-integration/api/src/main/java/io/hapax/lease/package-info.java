/** Who holds a key, until when, and with which fencing token. */
@NullMarked
package io.hapax.lease;

import org.jspecify.annotations.NullMarked;

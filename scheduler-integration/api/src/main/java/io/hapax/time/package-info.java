/** Time as the guard judges it: instants of one process, read from an injected clock. */
@NullMarked
package io.hapax.time;

import org.jspecify.annotations.NullMarked;

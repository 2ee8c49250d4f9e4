/** The threads of Hapax, and how it calls code that is not its own. */
@NullMarked
package io.hapax.thread;

import org.jspecify.annotations.NullMarked;

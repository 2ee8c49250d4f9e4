/** What operators ask of a lease store and do to it, and the board on which workers tell them what they are at. */
@NullMarked
package io.hapax.ops;

import org.jspecify.annotations.NullMarked;

/** What the guard tells: every grant, refusal, loss and release. */
@NullMarked
package io.hapax.event;

import org.jspecify.annotations.NullMarked;

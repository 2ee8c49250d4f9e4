/** Small programs that show how an application is guarded; the README's snippets are regions of them. */
@NullMarked
package io.hapax.examples;

import org.jspecify.annotations.NullMarked;

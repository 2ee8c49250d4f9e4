/** The command line of operators: what holds which key, what did not complete, what is configured wrongly, and how to put it right. */
@NullMarked
package io.hapax.cli;

import org.jspecify.annotations.NullMarked;

/** The run key and the fencing token of a run as headers of its HTTP requests, and a filter that refuses older tokens. */
@NullMarked
package io.hapax.http;

import org.jspecify.annotations.NullMarked;

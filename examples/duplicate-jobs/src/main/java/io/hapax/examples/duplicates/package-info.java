/** Background jobs that run once although there are several replicas. */
@NullMarked
package io.hapax.examples.duplicates;

import org.jspecify.annotations.NullMarked;

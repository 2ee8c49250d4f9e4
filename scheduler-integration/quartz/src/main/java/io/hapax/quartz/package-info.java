/** Lets each firing of a Quartz trigger run once in the fleet, and keeps jobs that must not overlap from overlapping. */
@NullMarked
package io.hapax.quartz;

import org.jspecify.annotations.NullMarked;

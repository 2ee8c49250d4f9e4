/**
 * Admits a run, renews its lease while it works, and takes the run away when the lease can no longer be proven.
 *
 * <p>Start with {@link io.hapax.JobGuard}.
 */
@NullMarked
package io.hapax;

import org.jspecify.annotations.NullMarked;

/**
 * Guards the workers of JobRunr, so that no job runs twice.
 *
 * <p>Start with {@link io.hapax.jobrunr.JobRunrGuard}.
 */
@NullMarked
package io.hapax.jobrunr;

import org.jspecify.annotations.NullMarked;

/** ShedLock's locks as leases of a {@link io.hapax.JobGuard}. */
@NullMarked
package io.hapax.shedlock;

import org.jspecify.annotations.NullMarked;

/** Spring Integration's locks as leases of a {@link io.hapax.JobGuard}. */
@NullMarked
package io.hapax.integration;

import org.jspecify.annotations.NullMarked;

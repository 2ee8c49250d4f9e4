/**
 * What a job asks for: its keys, and how values become part of them.
 *
 * <p>Depends on no scheduler. Adapters read a job's settings and hand its values in.
 */
@NullMarked
package io.hapax.policy;

import org.jspecify.annotations.NullMarked;

/** The ledger of runs in PostgreSQL. */
@NullMarked
package io.hapax.postgres;

import org.jspecify.annotations.NullMarked;

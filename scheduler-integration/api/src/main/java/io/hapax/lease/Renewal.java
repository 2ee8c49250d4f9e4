package io.hapax.lease;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The store's answer for one lease of a renewal batch. */
public sealed interface Renewal {

    /**
     * The lease lives for another ttl.
     *
     * @param reasserted whether the store had forgotten the lease and took the holder's word for it, in quarantine
     */
    record Renewed(boolean reasserted) implements Renewal {}

    /**
     * The lease is gone for ever: it lapsed, was forced, or somebody else holds the key.
     *
     * @param holder who holds the key now, or null if nobody does
     */
    record Gone(@Nullable Holder holder) implements Renewal {

        /**
         * Returns the present holder as an optional.
         *
         * @return who holds the key now, if anybody
         */
        public Optional<Holder> heldBy() {
            return Optional.ofNullable(holder);
        }
    }

    /**
     * The store could not tell for this lease; it may be tried again while the lease is valid.
     *
     * @param cause what went wrong
     */
    record Unknown(RuntimeException cause) implements Renewal {}
}

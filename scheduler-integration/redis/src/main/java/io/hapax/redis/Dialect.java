package io.hapax.redis;

import org.jspecify.annotations.Nullable;

/**
 * What was found out about how a server can be spoken to.
 *
 * @param why why the protocol is not the full one; empty if it is
 * @param identity how the server is asked who it is; null where scripts do it
 */
record Dialect(Protocol protocol, String why, @Nullable Identity identity) {

    static final Dialect FULL = new Dialect(Protocol.FULL, "", null);

    /** For operators. */
    @Override
    public String toString() {
        return isFull() ? "full protocol" : "portable protocol: " + why;
    }

    boolean isFull() {
        return protocol == Protocol.FULL;
    }
}

package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;

/** Another server than the one that was meant has answered, so its answers do not count; the next call means the new one. */
final class ServerChanged extends LeaseStoreException {

    private static final long serialVersionUID = 1L;

    ServerChanged(String server) {
        super(Finding.error(
                "Redis at " + server + " was replaced by another server, restarted or promoted during the call",
                "Nothing: the next call speaks to the new one"));
    }
}

package io.hapax.benchmarks.cycle;

import java.net.URI;

/**
 * What contenders connect to.
 *
 * @param redis the address of Redis
 * @param jdbc the address of PostgreSQL with user and password, or {@code -}
 * @param callers how many will call at once
 */
record Servers(String redis, String jdbc, int callers) {

    String host() {
        return URI.create(redis).getHost();
    }

    int port() {
        return URI.create(redis).getPort();
    }
}

package io.hapax.testkit;

import java.io.IOException;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/** Where a Redis listens, and as whom to talk to it. */
record RedisAddress(
        String url,
        String host,
        int port,
        String user,
        @Nullable String password) {

    private static final int DEFAULT_PORT = 6379;

    static RedisAddress local(int port) {
        return new RedisAddress("redis://127.0.0.1:" + port, "127.0.0.1", port, "default", null);
    }

    static RedisAddress parse(String url) {
        URI uri = Settings.uri(url);
        boolean redis = "redis".equals(uri.getScheme()) || "rediss".equals(uri.getScheme());
        if (!redis || uri.getHost() == null) {
            throw new IllegalArgumentException(
                    "an address of Redis has the form redis://[user:password@]host[:port] or rediss://…; this one has"
                            + " the scheme '" + uri.getScheme() + "' and the host '" + uri.getHost() + "'");
        }
        int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
        String credentials = uri.getUserInfo();
        if (credentials == null) {
            return new RedisAddress(url, uri.getHost(), port, "default", null);
        }
        int colon = credentials.indexOf(':');
        String user = colon <= 0 ? "default" : credentials.substring(0, colon);
        return new RedisAddress(url, uri.getHost(), port, user, credentials.substring(colon + 1));
    }

    RespConnection connect() throws IOException {
        return new RespConnection(host, port, url.startsWith("rediss:"));
    }
}

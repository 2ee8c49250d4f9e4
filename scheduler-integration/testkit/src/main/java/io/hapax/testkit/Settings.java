package io.hapax.testkit;

import java.net.URI;
import java.net.URISyntaxException;
import org.jspecify.annotations.Nullable;

/** The settings by which tests use servers that are already running. */
final class Settings {

    private Settings() {}

    /** Reads a system property, else an environment variable; blank counts as absent. */
    static @Nullable String read(String property, String variable) {
        String value = System.getProperty(property);
        if (value == null || value.isBlank()) {
            value = System.getenv(variable);
        }
        return value == null || value.isBlank() ? null : value;
    }

    /** Parses an address; the message of the failure does not repeat it, since it may contain a password. */
    static URI uri(String url) {
        try {
            return new URI(url);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("an address of a server is not a URI: " + e.getReason() + " at index "
                    + e.getIndex() + "; write special characters of a password as %40 and the like");
        }
    }
}

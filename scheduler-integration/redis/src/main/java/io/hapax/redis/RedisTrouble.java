package io.hapax.redis;

import org.jspecify.annotations.Nullable;

/** What a client's exception means, and how to mend it. */
final class RedisTrouble {

    private RedisTrouble() {}

    static String explain(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String known = known(String.valueOf(cause.getMessage()));
            if (known != null) {
                return known;
            }
        }
        return failure.getClass().getSimpleName() + ": " + firstLine(failure.getMessage());
    }

    private static @Nullable String known(String message) {
        if (message.contains("NOPERM")) {
            return "no permission: " + after(message, "NOPERM")
                    + ". Grant the user the rights that the package documentation of io.hapax.redis lists";
        }
        if (message.contains("WRONGPASS") || message.contains("invalid password")) {
            return "wrong user name or password. Correct them in the address, redis://user:password@host:port";
        }
        if (message.contains("NOAUTH")) {
            return "it asks for a password. Give it in the address, redis://:password@host:port";
        }
        if (message.contains("OOM ") || message.contains("'maxmemory'")) {
            return "its memory is full. Raise maxmemory; keep maxmemory-policy noeviction";
        }
        if (message.contains("READONLY")) {
            return "it is a read-only replica. Connect to the master, or through Sentinel or Cluster";
        }
        if (message.contains("LOADING")) {
            return "it is still loading its data";
        }
        if (message.contains("Connection refused")) {
            return "connection refused. Is it running there?";
        }
        if (message.contains("UnknownHost") || message.contains("Failed to resolve")) {
            return "the host name is not known. Correct it in the address, redis://host:port";
        }
        return null;
    }

    private static String after(String message, String word) {
        return firstLine(
                message.substring(message.indexOf(word) + word.length()).trim());
    }

    private static String firstLine(@Nullable String message) {
        if (message == null) {
            return "no message";
        }
        String line = message.lines().findFirst().orElse("");
        int args = line.indexOf(", params:");
        String short1 = args > 0 ? line.substring(0, args) : line;
        return short1.length() <= 200 ? short1 : short1.substring(0, 200) + "…";
    }
}

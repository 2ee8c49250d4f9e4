package io.hapax.redis;

import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.redisson.client.RedisTimeoutException;

/** What a client's exception means, and how to mend it. */
final class RedisTrouble {

    static final String NO_PERMISSION = "no permission: ";

    private RedisTrouble() {}

    static String explain(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String known = known(String.valueOf(cause.getMessage()));
            if (known != null) {
                return known;
            }
        }
        Throwable root = root(failure);
        if (isTimeOut(root)) {
            return "it does not answer. Is it there, and not overloaded? If it speaks TLS, the address must begin with"
                    + " rediss://, else with redis://";
        }
        return failure.getClass().getSimpleName() + ": " + firstLine(failure.getMessage());
    }

    /** Whether nothing is known but that no answer came in time. */
    static boolean isSilence(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (known(String.valueOf(cause.getMessage())) != null) {
                return false;
            }
        }
        return isTimeOut(root(failure));
    }

    private static boolean isTimeOut(Throwable root) {
        return root instanceof TimeoutException || root instanceof RedisTimeoutException;
    }

    private static Throwable root(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }

    /** Explains an error message of Redis. */
    static String explain(String message) {
        String known = known(message);
        return known != null ? known : firstLine(message);
    }

    static Throwable unwrapped(Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static @Nullable String known(String message) {
        if (message.contains("NOPERM")) {
            return NO_PERMISSION + after(message, "NOPERM")
                    + ". Grant the user the rights that docs/security.md and the package documentation of io.hapax.redis list";
        }
        if (message.contains("The user executing the script can't")) {
            // Redis does not say which command it is.
            return NO_PERMISSION
                    + "a script of the guard has a command, key or channel that its user may not use. Grant the"
                    + " user the rights that docs/security.md lists";
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
        if (message.contains("WRONGTYPE")) {
            return "a key of the guard has a value that is not the guard's. Delete the key, and give other programs other"
                    + " names or another database";
        }
        if (message.contains("CROSSSLOT") || message.contains("MOVED ")) {
            return "it is a Cluster, and the client does not know. Configure the Cluster, by a Redisson YAML file";
        }
        if (message.contains("CLUSTERDOWN") || message.contains("MASTERDOWN")) {
            return "the Cluster is incomplete, or the master is down";
        }
        if (message.contains("NOREPLICAS")) {
            return "too few replicas are connected (min-replicas-to-write)";
        }
        if (message.contains("MISCONF")) {
            return "it cannot write to its disk, and refuses writes until it can";
        }
        if (message.contains("Redisson is shutdown")) {
            return "the Redisson client is shut down. Close the store before the client";
        }
        if (message.contains("LOADING")) {
            return "it is still loading its data";
        }
        if (message.contains("Connection refused")) {
            return "connection refused. Is it running there?";
        }
        if (message.contains("PKIX path")) {
            return "its TLS certificate is not trusted. Let this JVM trust the authority that signed it"
                    + " (-Djavax.net.ssl.trustStore, or sslTruststore in a Redisson YAML file): " + firstLine(message);
        }
        if (message.contains("No subject alternative") || message.contains("No name matching")) {
            return "its TLS certificate is for another host name. Use the name in the address that the certificate has, or"
                    + " have one made for this name: " + firstLine(message);
        }
        if (message.contains("SSLHandshakeException") || message.contains("not an SSL/TLS record")) {
            return "TLS could not be agreed on. If it does not speak TLS, the address must begin with redis://: "
                    + firstLine(message);
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

    private static String before(String addition, String text) {
        int at = text.indexOf(addition);
        return at > 0 ? text.substring(0, at) : text;
    }

    private static String firstLine(@Nullable String message) {
        if (message == null) {
            return "no message";
        }
        String line = message.lines().findFirst().orElse("");
        String text = before(". channel: [", before(", params:", line));
        return text.length() <= 200 ? text : text.substring(0, 200) + "…";
    }
}

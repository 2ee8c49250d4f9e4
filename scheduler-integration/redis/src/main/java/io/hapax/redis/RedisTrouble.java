package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.redisson.client.RedisException;
import org.redisson.client.RedisTimeoutException;

/** What a client's exception means, and how to fix it. */
final class RedisTrouble {

    static final String NO_PERMISSION = "no permission: ";

    /** Names of exceptions in front of a message. */
    private static final Pattern WRAPPINGS =
            Pattern.compile("^(?:(?:[a-z]\\w*\\.)+[A-Z][\\w$]*(?:Exception|Error): )+");

    private RedisTrouble() {}

    static Finding of(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            Finding known = known(String.valueOf(cause.getMessage()));
            if (known != null) {
                return known;
            }
        }
        Throwable root = root(failure);
        if (isTimeOut(root)) {
            return Finding.error(
                    "it does not answer",
                    "Is it there, and not overloaded? If it speaks TLS, the address must start with rediss://, else with"
                            + " redis://");
        }
        return Finding.error(said(failure));
    }

    /** Only what it is about: clients wrap one exception into the other, and quote the names of all. */
    private static String said(Throwable failure) {
        Throwable speaking = failure;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            speaking = cause.getMessage() == null ? speaking : cause;
        }
        String text = WRAPPINGS.matcher(firstLine(speaking.getMessage())).replaceFirst("");
        boolean isWrapping = speaking instanceof RedisException || speaking instanceof ExecutionException;
        return isWrapping && !text.isBlank() ? text : speaking.getClass().getSimpleName() + ": " + text;
    }

    /** What a store's own exception says; else what is known of a client's. */
    static Finding told(Throwable failure) {
        Throwable cause = unwrapped(failure);
        return cause instanceof LeaseStoreException known ? known.finding() : of(cause);
    }

    /** A store's own exception for the trouble with which the first look at a server ended. */
    static LeaseStoreException atFirstLook(String server, Throwable failure) {
        return failure instanceof LeaseStoreException known
                ? known
                : new LeaseStoreException(
                        of(failure).asReasonWhy("Redis at " + server + " could not be looked at"), failure);
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
    static Finding of(String message) {
        Finding known = known(message);
        return known != null ? known : Finding.error(firstLine(message));
    }

    static Throwable unwrapped(Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static @Nullable Finding known(String message) {
        Finding known = refusal(message);
        known = known == null ? state(message) : known;
        return known == null ? connection(message) : known;
    }

    /** Whom it does not let do what. */
    private static @Nullable Finding refusal(String message) {
        if (message.contains("NOPERM")) {
            return Finding.error(
                    NO_PERMISSION + after(message, "NOPERM"),
                    "Grant the user the rights that docs/security.md and the package documentation of io.hapax.redis list");
        }
        if (message.contains("The user executing the script can't")) {
            // Redis does not say which command it is.
            return Finding.error(
                    NO_PERMISSION + "a script of the guard has a command, key or channel that its user may not use",
                    "Grant the user the rights that docs/security.md lists");
        }
        if (message.contains("WRONGPASS") || message.contains("invalid password")) {
            return Finding.error(
                    "wrong user name or password", "Correct them in the address, redis://user:password@host:port");
        }
        if (message.contains("NOAUTH")) {
            return Finding.error("it asks for a password", "Give it in the address, redis://:password@host:port");
        }
        return null;
    }

    /** What keeps a server that answers from doing its work. */
    private static @Nullable Finding state(String message) {
        if (message.contains("OOM ") || message.contains("'maxmemory'")) {
            return Finding.error("its memory is full", "Raise maxmemory; keep maxmemory-policy noeviction");
        }
        if (message.contains("READONLY")) {
            return Finding.error("it is a read-only replica", "Connect to the master, or through Sentinel or Cluster");
        }
        if (message.contains("WRONGTYPE")) {
            return Finding.error(
                    "a key of Hapax holds a value that Hapax did not write",
                    "Delete the key, and give other programs other names or another database");
        }
        if (message.contains("CROSSSLOT") || message.contains("MOVED ")) {
            return Finding.error(
                    "it is a Cluster, and the client does not know", "Configure the Cluster, by a Redisson YAML file");
        }
        if (message.contains("CLUSTERDOWN") || message.contains("MASTERDOWN")) {
            return Finding.error("the Cluster is incomplete, or the master is down");
        }
        if (message.contains("NOREPLICAS")) {
            return Finding.error("too few replicas are connected (min-replicas-to-write)");
        }
        if (message.contains("MISCONF")) {
            return Finding.error("it cannot write to its disk, and refuses writes until it can");
        }
        if (message.contains("LOADING")) {
            return Finding.error("it is still loading its data");
        }
        return null;
    }

    /** Why it cannot be reached. */
    private static @Nullable Finding connection(String message) {
        if (message.contains("Redisson is shutdown")) {
            return Finding.error("the Redisson client is shut down", "Close the store before the client");
        }
        if (message.contains("Connection refused")) {
            return Finding.error("connection refused", "Is it running there?");
        }
        if (message.contains("PKIX path")) {
            return Finding.error(
                    "its TLS certificate is not trusted (" + firstLine(message) + ")",
                    "Let this JVM trust the authority that signed it (-Djavax.net.ssl.trustStore, or sslTruststore in a"
                            + " Redisson YAML file)");
        }
        if (message.contains("No subject alternative") || message.contains("No name matching")) {
            return Finding.error(
                    "its TLS certificate is for another host name (" + firstLine(message) + ")",
                    "Use the name in the address that the certificate has, or have one made for this name");
        }
        if (message.contains("SSLHandshakeException") || message.contains("not an SSL/TLS record")) {
            return Finding.error(
                    "TLS could not be agreed on (" + firstLine(message) + ")",
                    "If it does not speak TLS, the address must start with redis://");
        }
        if (message.contains("No route to host") || message.contains("Network is unreachable")) {
            return Finding.error("no way in the network leads there", "Correct the address, or the network");
        }
        if (message.contains("Connection reset") || message.contains("Connection closed")) {
            return Finding.error(
                    "it closes connections",
                    "Is it Redis that listens there, has it reached its maxclients, or does it speak TLS (rediss://)?");
        }
        if (message.contains("UnknownHost") || message.contains("Failed to resolve")) {
            return Finding.error("the host name is not known", "Correct it in the address, redis://host:port");
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

    /** As a server said it, for operators who read why it is as it is. */
    static String quoted(String message) {
        return firstLine(before(" script: ", message));
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

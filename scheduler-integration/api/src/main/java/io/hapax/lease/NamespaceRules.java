package io.hapax.lease;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which names a namespace may have. All replicas of one application in one environment have the same; no two applications and no
 * two environments have, or equal names of jobs would take each other's runs. So there is no default, and the names that libraries
 * give to whatever has none are refused.
 */
public final class NamespaceRules {

    private static final Pattern ALLOWED = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
    private static final Set<String> NAMES_OF_NOTHING = Set.of(
            "default", "quartzscheduler", "defaultquartzscheduler", "simplequartzscheduler", "schedulerfactorybean");

    private static final int READABLE = 30;
    private static final int DIGEST = 32;
    /** What {@link #derived} makes; a name that looks so is treated as one that is not allowed. */
    private static final Pattern DERIVED = Pattern.compile(".{0,30}--[0-9a-f]{32}");

    private static final String WHY =
            ": equal names of jobs of two applications, or of two environments, would take each" + " other's runs";

    private NamespaceRules() {}

    /**
     * Checks a namespace that somebody has chosen.
     *
     * @param name the namespace; null if none was chosen
     * @return the namespace
     * @throws IllegalArgumentException if there is none, or it cannot be one; the message says what to set
     */
    public static String chosen(@Nullable String name) {
        if (name == null) {
            throw new IllegalArgumentException("setting namespace: is not set" + WHY
                    + "; name application and environment, such as billing-production, alike on all replicas");
        }
        if (isOfNothing(name)) {
            throw new IllegalArgumentException("setting namespace: '" + name + "' is the default of a library" + WHY
                    + "; name application and environment, such as billing-production, alike on all replicas");
        }
        if (!ALLOWED.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "setting namespace: '" + name + "' is not allowed; use 1 to 64 letters, digits, '.', '_' or '-'");
        }
        return name;
    }

    /**
     * Makes a namespace of the name that an application or its scheduler has. A name that can be a namespace stays as it is; of any
     * other one stays a readable start, and a digest keeps it apart from all others.
     *
     * @param what whose name it is, for messages, such as {@code spring.application.name}
     * @param name the name; null if there is none
     * @param instead what else may be set, for messages
     * @return the namespace
     * @throws IllegalArgumentException if there is no name, or the default of a library; the message says what to set
     */
    public static String derived(String what, @Nullable String name, String instead) {
        if (name == null || name.isBlank() || isOfNothing(name)) {
            String said = name == null || name.isBlank() ? "is not set" : "'" + name + "' is the default of a library";
            throw new IllegalArgumentException("there is no namespace, as " + what + " " + said + WHY + "; set " + what
                    + ", or " + instead + ", alike on all replicas");
        }
        if (ALLOWED.matcher(name).matches() && !DERIVED.matcher(name).matches()) {
            return name;
        }
        String readable = name.replaceAll("[^A-Za-z0-9_.]+", "-");
        return readable.substring(0, Math.min(readable.length(), READABLE)) + "--" + digest(name);
    }

    private static boolean isOfNothing(String name) {
        return NAMES_OF_NOTHING.contains(name.trim().toLowerCase(Locale.ROOT));
    }

    private static String digest(String name) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest).substring(0, DIGEST);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}

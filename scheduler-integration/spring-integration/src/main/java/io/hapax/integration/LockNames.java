package io.hapax.integration;

import io.hapax.lease.LockKey;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Set;
import java.util.UUID;

/**
 * The lock keys of a registry: whatever is a lock in Spring Integration has one, and each has another one.
 *
 * <p>Paths of files and correlation keys may be longer than a lock key, or have characters that it must not have; then a digest
 * stands for them.
 */
final class LockNames {

    private static final String DIGEST = "sha256:";
    private static final Set<Class<?>> WHOLE =
            Set.of(UUID.class, Byte.class, Short.class, Integer.class, Long.class, BigInteger.class);

    private final String registryKey;

    LockNames(String registryKey) {
        if (registryKey.isBlank() || registryKey.indexOf(':') >= 0) {
            throw new IllegalArgumentException("the registry key '" + registryKey
                    + "' must not be blank or contain a colon, which separates it from the key of a lock");
        }
        this.registryKey = registryKey;
        // The longest that a digest makes.
        LockKey unused = new LockKey(digest(""));
    }

    String registryKey() {
        return registryKey;
    }

    String of(Object key) {
        String text = text(key);
        if (text.isEmpty()) {
            throw new IllegalArgumentException("the key of a lock in " + registryKey + " must not be empty");
        }
        // A text that looks like a digest must not be one.
        return text.startsWith(DIGEST) || !isPlain(text) ? digest(text) : registryKey + ":" + text;
    }

    private static String text(Object key) {
        if (key instanceof String text) {
            return text;
        }
        if (key instanceof Enum<?> constant) {
            return constant.name();
        }
        if (WHOLE.contains(key.getClass())) {
            return key.toString();
        }
        throw new IllegalArgumentException("a " + key.getClass().getName()
                + " cannot be the key of a lock, because its text may differ between processes: use a String, a UUID, a whole"
                + " number or an enum constant");
    }

    private boolean isPlain(String text) {
        try {
            LockKey unused = new LockKey(registryKey + ":" + text);
            return true;
        } catch (IllegalArgumentException tooLongOrOdd) {
            return false;
        }
    }

    private String digest(String text) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            // A charset would make one text of all halves of surrogate pairs.
            ByteBuffer bytes = ByteBuffer.allocate(Character.BYTES * text.length());
            bytes.asCharBuffer().put(text);
            return registryKey + ":" + DIGEST + HexFormat.of().formatHex(sha.digest(bytes.array()));
        } catch (NoSuchAlgorithmException everyJvmHasIt) {
            throw new IllegalStateException(everyJvmHasIt);
        }
    }
}

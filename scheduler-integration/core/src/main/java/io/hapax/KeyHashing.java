package io.hapax;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Replaces keys by keyed digests (HMAC, RFC 2104), so that personal data in them is neither stored nor logged. With a
 * plain digest, an attacker who knows how keys are made could try them out.
 */
final class KeyHashing {

    private static final String ALGORITHM = "HmacSHA256";
    private static final int DIGEST_CHARS = 28;
    private static final int SEAL_CHARS = 12;
    private static final int CHARS = 1 + DIGEST_CHARS + SEAL_CHARS;
    private static final int FEWEST_CHARS = 16;
    private static final Pattern FORM = Pattern.compile("h[0-9a-f]{" + (CHARS - 1) + "}( #\\d+)?");

    private final SecretKeySpec secret;

    KeyHashing(String secret) {
        if (secret.length() < FEWEST_CHARS) {
            throw new IllegalArgumentException("setting hashKeys: the secret must have at least " + FEWEST_CHARS
                    + " characters, has " + secret.length() + ". Give all workers the same random text");
        }
        this.secret = new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), ALGORITHM);
    }

    JobIdentity of(JobIdentity identity) {
        return new JobIdentity(
                identity.lock().map(key -> new LockKey(once(key.value()))).orElse(null),
                identity.run().map(key -> new RunKey(once(key.value()))).orElse(null),
                identity.slot());
    }

    /** Tells workers with different secrets apart, for store and ledger to compare, and nothing about the secret. */
    String fingerprint() {
        return "keys=hmac/" + hmac("fingerprint of sealed digests").substring(0, 10);
    }

    /**
     * Digests come back: from operators, who read a log line; by schedulers, which keep the run key of a firing for a retry. One is known
     * by its seal, so that a key which only looks like one is hashed as any other. A caller that has seen a digest may name its key.
     */
    private String once(String key) {
        return isDigest(key) ? key : sealed(hmac("key " + key).substring(0, DIGEST_CHARS));
    }

    private boolean isDigest(String key) {
        return FORM.matcher(key).matches() && key.startsWith(sealed(key.substring(1, 1 + DIGEST_CHARS)));
    }

    /** With the digits that only who knows the secret can make of a digest. */
    private String sealed(String digest) {
        return "h" + digest + hmac("digest " + digest).substring(0, SEAL_CHARS);
    }

    private String hmac(String text) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(secret);
            return HexFormat.of().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every JDK has " + ALGORITHM, impossible);
        }
    }
}

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
 * Replaces keys by keyed digests (HMAC, RFC 2104), so that what they say about people is neither stored nor logged. With a
 * plain digest, whoever knows how keys are made could try them out.
 */
final class KeyHashing {

    private static final String ALGORITHM = "HmacSHA256";
    private static final int HEX_CHARS = 40;
    private static final int FEWEST_CHARS = 16;
    private static final Pattern HASHED = Pattern.compile("h[0-9a-f]{" + HEX_CHARS + "}( #\\d+)?");

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
                identity.run().map(key -> new RunKey(once(key.value()))).orElse(null));
    }

    /** Tells workers with different secrets apart, for store and ledger to compare, and nothing about the secret. */
    String fingerprint() {
        return "keys=hmac/" + text("fingerprint").substring(0, 10);
    }

    /** Digests come back: by people, from a log line; by schedulers, which keep the run key of a firing for a retry. */
    private String once(String key) {
        return HASHED.matcher(key).matches() ? key : text(key);
    }

    private String text(String key) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(secret);
            byte[] digest = mac.doFinal(key.getBytes(StandardCharsets.UTF_8));
            return "h" + HexFormat.of().formatHex(digest).substring(0, HEX_CHARS);
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every JDK has " + ALGORITHM, impossible);
        }
    }
}

package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.Intervention;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LeaseStoreException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A pause as Redis keeps it: {@code micros|actor|reason}. A later version may append parts, which this one leaves out: whatever
 * they say, the key is paused.
 */
final class StoredPause {

    private static final Pattern FORM = Pattern.compile("(\\d{1,17})\\|([^|]*)\\|([^|]*)(\\|.*)?");

    private StoredPause() {}

    /** What stands behind the time. */
    static String text(Intervention why) {
        return StoredLease.fit(why.actor()) + "|" + StoredLease.fit(why.reason(), Integer.MAX_VALUE);
    }

    /** In a list, what Hapax did not write is a pause as well: the key is granted to nobody. */
    static KeyPause listed(String text, Duration left) {
        return FORM.matcher(text).matches()
                ? parse(text, left)
                : new KeyPause(Intervention.stored("unknown", "the value is not one of Hapax"), Instant.EPOCH, left);
    }

    static KeyPause parse(String text, Duration left) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new LeaseStoreException(Finding.error(
                    "a pause holds a value that Hapax did not write: '" + text.substring(0, Math.min(80, text.length()))
                            + "'",
                    "Delete it, or pause the key again"));
        }
        Instant since = Instant.EPOCH.plus(Long.parseLong(matcher.group(1)), ChronoUnit.MICROS);
        return new KeyPause(Intervention.stored(matcher.group(2), matcher.group(3)), since, left);
    }
}

package io.hapax.redis;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Finding;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.OwnerId;
import java.time.Instant;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A lease or done marker as Redis keeps it: {@code owner|token|micros|digest|worker|run}, and what {@link Added} says. Of a
 * quorum, a token may have a leading zero, and so may the time: see {@code settle.lua}.
 *
 * @param micros since when
 * @param writtenBack whether the token is the one that a quorum has, or may have, counted
 */
record StoredLease(
        OwnerId owner,
        FencingToken token,
        long micros,
        boolean writtenBack,
        String runDigest,
        String worker,
        String run,
        Added added) {

    private static final int LONGEST_TEXT = 200;
    private static final Pattern FORM = Pattern.compile(
            "([A-Za-z0-9_-]{1,64})\\|(\\d{1,17})\\|(\\d{1,17})\\|([0-9a-f]{32}|-)\\|([^|]{0,200})\\|([^|]{0,200})"
                    + "(?:\\|\\d{1,9}((?:\\|[^|=]+=[^|]*)*))?");
    /** The lowest format that understands it. */
    private static final Pattern NUMBERED = Pattern.compile("([^|]*\\|){6}(\\d{1,9})(\\|.*)?");

    private static final Pattern UNFIT = Pattern.compile("[|\\p{Cc}]");

    /** As this version reads it. */
    static StoredLease parse(String text) {
        return parse(text, Added.FORMAT);
    }

    /** Refuses what needs a higher format than the reader has. */
    static StoredLease parse(String text, int format) {
        Matcher numbered = NUMBERED.matcher(text);
        if (numbered.matches() && Integer.parseInt(numbered.group(2)) > format) {
            throw new LeaseStoreException(Finding.error(
                    "a lease or done marker was written by a later version of Hapax (format " + numbered.group(2)
                            + ", this one reads " + format + ")",
                    "Upgrade this worker"));
        }
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw notOurs(text);
        }
        String parts = matcher.group(7);
        return new StoredLease(
                new OwnerId(matcher.group(1)),
                token(matcher.group(2)),
                Long.parseLong(matcher.group(3)),
                isWrittenBack(matcher.group(3)),
                matcher.group(4),
                matcher.group(5),
                matcher.group(6),
                parts == null ? Added.NOTHING : added(text, parts));
    }

    private static Added added(String text, String parts) {
        try {
            return Added.parse(parts);
        } catch (IllegalArgumentException unknown) {
            throw notOurs(text);
        }
    }

    private static LeaseStoreException notOurs(String text) {
        return new LeaseStoreException(Finding.error(
                "a key of Hapax holds a value that Hapax did not write: '"
                        + text.substring(0, Math.min(80, text.length())) + "'",
                "Delete the key, and give other programs other names or another database"));
    }

    static boolean isOne(String text) {
        return FORM.matcher(text).matches();
    }

    /** The holder of what was taken away; a value that Hapax did not write is shown in place of the worker. */
    static Holder holderOf(String text) {
        return isOne(text)
                ? parse(text).holder()
                : new Holder(new OwnerId("unknown"), new FencingToken(1), fit(text), "", Instant.EPOCH);
    }

    static FencingToken token(String digits) {
        return new FencingToken(Math.max(1, Long.parseLong(digits)));
    }

    /** As it is written in a namespace that is kept in this format. */
    static StoredLease of(Lease lease, int format) {
        return new StoredLease(
                lease.owner(),
                lease.token(),
                micros(lease),
                isWrittenBack(lease.since()),
                Keyspace.runDigest(lease.identity()),
                fit(lease.worker()),
                runText(lease.identity()),
                Added.of(lease.identity()).in(format));
    }

    static long micros(Lease lease) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, lease.since());
    }

    /** Names the grant of a lease to a script; one of a quorum, whose servers may know another token, has a leading zero. */
    static String grant(Lease lease) {
        return grant(lease.token(), lease.since());
    }

    static String grant(FencingToken token, Instant since) {
        return (isWrittenBack(since) ? "0" : "") + token;
    }

    /** What a done marker keeps besides owner, token and time. */
    static String aboutRun(Lease lease, Added added) {
        return Keyspace.runDigest(lease.identity()) + "|" + people(lease.worker(), lease.identity()) + added;
    }

    /** The part of the value that operators read. */
    static String people(String worker, JobIdentity identity) {
        return fit(worker) + "|" + runText(identity);
    }

    Instant since() {
        return instant(micros, writtenBack);
    }

    /** As a script tells it. */
    static Instant since(String micros) {
        return instant(Long.parseLong(micros), isWrittenBack(micros));
    }

    private static boolean isWrittenBack(String micros) {
        return micros.length() > 1 && micros.startsWith("0");
    }

    /** The servers' microseconds leave room for a mark, so that a quorum can compare the answers of its servers. */
    private static Instant instant(long micros, boolean writtenBack) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS).plusNanos(writtenBack ? 1 : 0);
    }

    static boolean isWrittenBack(Instant since) {
        return since.get(ChronoField.NANO_OF_SECOND) % 1000 != 0;
    }

    /** The lease of a quorum whose token was written back. */
    static Lease writtenBack(Lease lease) {
        return new Lease(
                lease.identity(),
                lease.owner(),
                lease.token(),
                lease.worker(),
                lease.ttl(),
                instant(micros(lease), true));
    }

    /** For those who ask a quorum, and need not know whose word this is. */
    static Holder plain(Holder holder) {
        Instant since = holder.since().truncatedTo(ChronoUnit.MICROS);
        return new Holder(holder.owner(), holder.token(), holder.worker(), holder.run(), since);
    }

    Holder holder() {
        return new Holder(owner, token, worker, run, since());
    }

    private static String runText(JobIdentity identity) {
        return identity.run().map(run -> fit(run.value())).orElse("");
    }

    static String fit(String text) {
        return fit(text, LONGEST_TEXT);
    }

    /** Without what separates the parts. */
    static String fit(String text, int longest) {
        String start = text.length() <= longest ? text : text.substring(0, longest);
        for (int n = 0; n < start.length(); n++) {
            if (start.charAt(n) == '|' || Character.getType(start.charAt(n)) == Character.CONTROL) {
                return UNFIT.matcher(start).replaceAll("_");
            }
        }
        return start;
    }

    @Override
    public String toString() {
        return owner + "|" + token + "|" + (writtenBack ? "0" : "") + micros + "|" + runDigest + "|" + worker + "|"
                + run + added;
    }
}

package io.hapax.redis;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ops.HeldLease;
import io.hapax.ops.PausedKey;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The names of keys: {@code hapax:{namespace:bucket}:kind:text}. All keys of one identity share the hash tag, so one
 * script may touch them on Cluster. Short plain texts stay readable; others become a readable start, a tilde, which no
 * plain text has, and a digest. Immutable.
 */
record Keyspace(String namespace, int buckets, List<String> tags) {

    /** How the names below are made; others would be other keys. */
    static final String HASHING = "sha256/40";

    private static final Pattern NAMESPACE = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
    private static final int LONGEST_PLAIN = 120;
    /** Whether a character of ASCII is plain. */
    private static final boolean[] PLAIN = new boolean[128];

    static {
        for (char c = 0; c < PLAIN.length; c++) {
            PLAIN[c] = Character.isLetterOrDigit(c) || "._:/@#=+,-".indexOf(c) >= 0;
        }
    }

    private static final Pattern ODD = Pattern.compile("[^A-Za-z0-9._:/@#=+,-]");
    private static final int DIGEST_CHARS = 40;
    private static final Pattern SHORTENED = Pattern.compile("[A-Za-z0-9._:/@#=+,-]{0,40}~[0-9a-f]{40}");

    Keyspace(String namespace, int buckets) {
        this(
                namespace,
                buckets,
                IntStream.range(0, buckets)
                        .mapToObj(bucket -> "hapax:{" + namespace + ":" + bucket + "}:")
                        .toList());
    }

    Keyspace {
        if (!NAMESPACE.matcher(namespace).matches()) {
            throw new IllegalArgumentException("setting namespace: '" + namespace
                    + "' is not allowed; use 1 to 64 letters, digits, '.', '_' or '-'");
        }
    }

    /**
     * The keys of one identity.
     *
     * @param family what is waited for: the lease, or of a slot that of its lock key
     * @param index of the slots of the lock key; empty if there can be none
     */
    record Keys(
            int bucket,
            String lease,
            String done,
            String waiter,
            String pause,
            String meta,
            String family,
            String index) {

        boolean areOfSlot() {
            return !lease.equals(family);
        }
    }

    Keys of(JobIdentity identity) {
        return of(identity, Added.FORMAT);
    }

    /**
     * In a namespace that is kept in this format. The first one named a slot as a lock key is named; later ones give it a kind
     * of its own, and the bucket of its key.
     */
    Keys of(JobIdentity identity, int format) {
        LockKey lock = identity.lockKey();
        Slot slot = identity.slot();
        // No run key is empty, so nothing is ever done where there is none.
        String done =
                identity.runKey() == null ? "" : shortened(identity.runKey().value());
        if (lock != null && slot != null && format > Added.FIRST_FORMAT) {
            return slot(shortened(lock.value()), slot.number(), done);
        }
        String text = shortened(identity.leaseName());
        String name = (lock != null ? "l:" : "r:") + text;
        return keys(bucket(name), name, done, name, lock != null && format > Added.FIRST_FORMAT ? text : "");
    }

    /** Where the lease of an identity is, or those of all slots of its key. */
    int bucketOf(JobIdentity identity) {
        if (buckets == 1) {
            return 0;
        }
        LockKey lock = identity.lockKey();
        return bucket(lock != null ? "l:" + shortened(lock.value()) : "r:" + shortened(identity.leaseName()));
    }

    /** The lease of an identity that is of no slot, as in {@link #of(JobIdentity, int)} but for the tag; it has no bar. */
    static void appendLease(StringBuilder to, JobIdentity identity) {
        to.append(identity.lockKey() != null ? "l:" : "r:").append(shortened(identity.leaseName()));
    }

    private int bucket(String name) {
        return buckets == 1 ? 0 : Math.floorMod(digest(name).hashCode(), buckets);
    }

    /**
     * @param family what is paused, and waited for, as a whole
     * @param indexed the text of a lock key that may have slots; empty if it has none
     */
    private Keys keys(int bucket, String name, String done, String family, String indexed) {
        String tag = tags.get(bucket);
        String lease = tag + name;
        return new Keys(
                bucket,
                lease,
                tag + "d:" + done,
                tag + "w:" + family,
                tag + "h:" + family,
                meta(bucket),
                name.equals(family) ? lease : tag + family,
                indexed.isEmpty() ? "" : tag + "i:" + indexed);
    }

    private Keys slot(String lock, int number, String done) {
        return keys(bucket("l:" + lock), "s:" + number + ":" + lock, done, "l:" + lock, lock);
    }

    /** Where the places of one name are kept. */
    String places(String name) {
        String end = "p:" + shortened(name);
        return tags.get(bucket(end)) + end;
    }

    /** Where the portable protocol has the number of the highest place of a name, and beside it each place. */
    String placeNumber(String name) {
        return tags.get(bucket("p:" + shortened(name))) + "g:0:" + shortened(name);
    }

    /** The waiter flag of a lease that a search has found. */
    static String waiterOf(String leaseKey) {
        int name = leaseKey.indexOf("}:") + 2;
        return leaseKey.substring(0, name) + "w:" + leaseKey.substring(name).replaceFirst("^s:\\d+:", "l:");
    }

    /** The index of the slots of a lock key that somebody waits for; empty if it is a run key, which has none. */
    static String indexOf(String leaseKey) {
        int name = leaseKey.indexOf("}:") + 2;
        return leaseKey.startsWith("l:", name) ? leaseKey.substring(0, name) + "i:" + leaseKey.substring(name + 2) : "";
    }

    /** The keys that a lease may have which a search has found, or somebody has seen: usually one, of a slot's name two. */
    List<Keys> of(HeldLease lease) {
        HeldLease.SlotName slot = lease.onRunKey() ? null : HeldLease.SlotName.of(lease.name());
        Keys key = named(stored(lease.name()), lease.onRunKey());
        if (slot == null) {
            return List.of(key);
        }
        Keys ofSlot = slot(stored(slot.key()), slot.number(), "");
        return lease.slot() == null ? List.of(key, ofSlot) : List.of(ofSlot);
    }

    /** The keys of what a search has found, or somebody has seen, to be paused. */
    Keys of(PausedKey paused) {
        return named(stored(paused.name()), paused.onRunKey());
    }

    private static String stored(String name) {
        return isShortened(name) ? name : shortened(name);
    }

    /**
     * The keys of the leases that somebody may mean who names one: that of a key of this text first of all, then what is listed
     * under this name.
     */
    List<Keys> of(String name, boolean onRunKey) {
        List<Keys> all = new ArrayList<>(List.of(named(shortened(name), onRunKey)));
        if (isShortened(name)) {
            all.add(named(name, onRunKey));
        }
        HeldLease.SlotName slot = onRunKey ? null : HeldLease.SlotName.of(name);
        if (slot != null) {
            all.add(slot(shortened(slot.key()), slot.number(), ""));
            if (isShortened(slot.key())) {
                all.add(slot(slot.key(), slot.number(), ""));
            }
        }
        return all;
    }

    /**
     * Whether the text may be the shortened form under which a search shows a long key. A key that is equal to such a text is
     * shortened too, so that no key is shown under the name of another.
     */
    static boolean isShortened(String text) {
        return SHORTENED.matcher(text).matches();
    }

    private Keys named(String stored, boolean onRunKey) {
        String name = (onRunKey ? "r:" : "l:") + stored;
        return keys(bucket(name), name, "", name, onRunKey ? "" : stored);
    }

    /**
     * What the key of a lease says.
     *
     * @param slot its number, 0 if it is none
     */
    record LeaseName(String text, boolean onRunKey, int slot) {}

    static LeaseName leaseName(String leaseKey) {
        String name = leaseKey.substring(leaseKey.indexOf("}:") + 2);
        if (!name.startsWith("s:")) {
            return new LeaseName(name.substring(2), name.startsWith("r:"), 0);
        }
        int end = name.indexOf(':', 2);
        int number = Integer.parseInt(name.substring(2, end));
        return new LeaseName(new HeldLease.SlotName(name.substring(end + 1), number).toString(), false, number);
    }

    /** What the key of a pause says. */
    static LeaseName pausedName(String pauseKey) {
        String family = pauseKey.substring(pauseKey.indexOf("}:h:") + 4);
        return new LeaseName(family.substring(2), family.startsWith("r:"), 0);
    }

    /** How the runs of a job ended whose leases were in this bucket. */
    String history(int bucket, String job) {
        return tags.get(bucket) + "o:" + shortened(job);
    }

    String audit(int bucket) {
        return tags.get(bucket) + "a";
    }

    /** Where workers put up what they are at. */
    String board() {
        return tags.get(0) + "f";
    }

    String boardName(String worker) {
        return shortened(worker);
    }

    /** Is there while somebody reads the board. */
    String readers() {
        return tags.get(0) + "v";
    }

    /** Those of all buckets. */
    List<String> metas() {
        return IntStream.range(0, tags.size()).mapToObj(this::meta).toList();
    }

    String meta(int bucket) {
        return tags.get(bucket) + "m";
    }

    /** Where the portable protocol has the quarantine of a bucket. */
    String quarantine(int bucket) {
        return tags.get(bucket) + "q";
    }

    String channel() {
        return "hapax:" + namespace + ":wake";
    }

    /** What a lease remembers of a run key, to tell the same occurrence from another one. */
    static String runDigest(JobIdentity identity) {
        RunKey run = identity.runKey();
        return run == null ? "-" : digest(run.value()).substring(0, 32);
    }

    private static String shortened(String text) {
        if (isPlain(text)) {
            return text;
        }
        String readable =
                ODD.matcher(text.substring(0, Math.min(40, text.length()))).replaceAll("_");
        return readable + "~" + digest(text).substring(0, DIGEST_CHARS);
    }

    private static boolean isPlain(String text) {
        for (int n = 0; n < text.length(); n++) {
            if (text.charAt(n) >= PLAIN.length || !PLAIN[text.charAt(n)]) {
                return false;
            }
        }
        return !text.isEmpty() && text.length() <= LONGEST_PLAIN;
    }

    static String digest(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JDK has SHA-256", impossible);
        }
    }
}

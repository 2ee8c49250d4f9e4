package io.hapax.redis;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/**
 * The scripts, one resource file each; what they do and return stands in their headers. What stands before them differs by
 * {@link Protocol}; of places, the script does as well.
 */
enum Script {
    /** What is asked alone most of the time; of the full protocol only. */
    ACQUIRE,
    RELEASE,
    EXTEND,
    EXCHANGE(Names.OF_SLOTS, "slots.lua", "exchange"),
    RENEW(Names.OF_SLOTS, "slots.lua", "renew"),
    FORCE_RELEASE(Names.OF_A_BUCKET, "slots.lua", "force-release"),
    HOLDER("holder"),
    PROBE("probe"),
    SETTINGS(Names.OF_A_BUCKET, "", "settings"),
    SETTLE("settle"),
    PAUSE("pause"),
    PAUSED("paused"),
    RUN_AGAIN("run-again"),
    WAKE("wake"),
    MARK(Names.NONE, "slots.lua", "mark"),
    UNMARK("unmark"),
    RESERVE("reserve", "reserve-key"),
    GIVE_UP("give-up", "give-up-key"),
    PLACES("places", "places-keys"),
    LEASE(Names.OF_SLOTS_TO_SEE, "slots.lua", "lease"),
    LEASES("leases"),
    SEARCH("search"),
    FOUND("found"),
    AUDIT("audit"),
    POST("post"),
    SUMMARIES("summaries"),
    NEWS("news"),
    STATE("state"),
    ALLOWED("allowed");

    /** Which keys a script touches whose names it makes itself, and so have to be declared. */
    enum Names {
        NONE,
        /** The quarantine of the bucket; such a script compares who the server is. */
        OF_A_BUCKET,
        /** That, and the slots of each lock key with their index. */
        OF_SLOTS,
        /** The slots alone. */
        OF_SLOTS_TO_SEE,
        OF_PLACES
    }

    private final Names names;
    private final String full;
    private final String fullSha;
    private final String portable;
    private final String portableSha;

    /** Of nothing but its file, which is named as it is: what stands before other scripts takes time at each call. */
    Script() {
        this.names = Names.NONE;
        this.full = read(name().toLowerCase(Locale.ROOT) + ".lua");
        this.fullSha = sha1(full);
        this.portable = full;
        this.portableSha = fullSha;
    }

    Script(String file) {
        this(Names.NONE, "", file);
    }

    /**
     * @param before what stands before it, beside what stands before every script
     */
    Script(Names names, String before, String file) {
        this(names, before, before, file, file);
    }

    /** Of places. */
    Script(String file, String portableFile) {
        this(Names.OF_PLACES, "", "place-keys.lua", file, portableFile);
    }

    Script(Names names, String before, String portableBefore, String file, String portableFile) {
        this.names = names;
        this.full = text(Protocol.FULL, before, file);
        this.fullSha = sha1(full);
        this.portable = text(Protocol.PORTABLE, portableBefore, portableFile);
        this.portableSha = sha1(portable);
    }

    private static String text(Protocol protocol, String before, String file) {
        return read("values.lua")
                + read(protocol.prelude())
                + (before.isEmpty() ? "" : read(before))
                + read(file + ".lua");
    }

    /** As the full protocol has it. */
    String text() {
        return text(Protocol.FULL);
    }

    String sha() {
        return sha(Protocol.FULL);
    }

    String text(Protocol protocol) {
        return protocol == Protocol.FULL ? full : portable;
    }

    String sha(Protocol protocol) {
        return protocol == Protocol.FULL ? fullSha : portableSha;
    }

    Names names() {
        return names;
    }

    /** Whether it compares who the server is with who it was. */
    boolean looks() {
        return names == Names.OF_A_BUCKET || names == Names.OF_SLOTS;
    }

    private static String read(String file) {
        try (InputStream in = Script.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException("the resource io/hapax/redis/" + file
                        + " is missing: was the jar repackaged without its resources?");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("cannot read the resource io/hapax/redis/" + file, e);
        }
    }

    private static String sha1(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JDK has SHA-1", impossible);
        }
    }
}

package io.hapax.redis;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The scripts, one resource file each; what they do and return stands in their headers. */
enum Script {
    EXCHANGE("slots.lua", "exchange"),
    RENEW("slots.lua", "renew"),
    FORCE_RELEASE("slots.lua", "force-release"),
    HOLDER("holder"),
    PROBE("probe"),
    SETTINGS("settings"),
    SETTLE("settle"),
    PAUSE("pause"),
    PAUSED("paused"),
    RUN_AGAIN("run-again"),
    MARK("slots.lua", "mark"),
    UNMARK("unmark"),
    RESERVE("reserve"),
    GIVE_UP("give-up"),
    PLACES("places"),
    LEASE("slots.lua", "lease"),
    LEASES("leases"),
    AUDIT("audit"),
    POST("post"),
    REPORTS("reports"),
    STATE("state");

    private final String text;
    private final String sha;

    Script(String file) {
        this("", file);
    }

    /**
     * @param before what stands before it, beside what stands before every script
     */
    Script(String before, String file) {
        this.text = read("server.lua") + (before.isEmpty() ? "" : read(before)) + read(file + ".lua");
        this.sha = sha1(text);
    }

    String text() {
        return text;
    }

    String sha() {
        return sha;
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

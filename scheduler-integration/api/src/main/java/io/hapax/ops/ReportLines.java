package io.hapax.ops;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * The lines of a report, of which changes are written and read. Writer and reader have one each, and take the same changes in the same
 * order.
 *
 * <p>A change is which lines are gone, and what is new, compressed. What both sides know helps to compress: the lines
 * that are gone, as what has ended is said once more in other words, and what was new last time. If a reader does not have the same lines, the
 * checksum of what helps says so. Not thread-safe.
 */
final class ReportLines {

    private static final Pattern KEY = Pattern.compile("[a-z][0-9]{1,18}");
    /** As far as the compression looks back. */
    private static final int WINDOW = 32_000;
    /** Of what others have put up. */
    private static final int MOST_BYTES = 32_000_000;

    private final Map<String, String> lines = new HashMap<>();
    private byte[] last = {};

    /** Fails unless a text can be the key of a line. */
    static void requireKey(String key) {
        if (!KEY.matcher(key).matches()) {
            throw new IllegalArgumentException("the key of a line is a letter and a number, as r17, was " + key);
        }
    }

    Map<String, String> lines() {
        return lines;
    }

    /** Writes a change, and takes it. */
    String write(Collection<String> gone, Map<String, String> fresh) {
        StringBuilder body = new StringBuilder();
        fresh.forEach((key, text) -> body.append(key).append(' ').append(text).append('\n'));
        byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
        String packed = bytes.length == 0 ? "" : SevenBits.of(deflated(bytes, helping(gone)));
        take(gone, fresh, bytes);
        return names(gone) + "\n" + packed;
    }

    private void take(Collection<String> gone, Map<String, String> fresh, byte[] body) {
        lines.keySet().removeAll(gone);
        lines.putAll(fresh);
        if (body.length > 0) {
            last = Arrays.copyOfRange(body, Math.max(0, body.length - WINDOW), body.length);
        }
    }

    /** Reads a change, and takes it; fails with an {@link IllegalArgumentException}, having taken nothing. */
    void read(String change) {
        int head = change.indexOf('\n');
        if (head < 0) {
            throw new IllegalArgumentException("a change without a head");
        }
        Collection<String> gone = named(change.substring(0, head));
        byte[] body = {};
        if (head + 1 < change.length()) {
            body = inflated(SevenBits.read(change.substring(head + 1)), helping(gone));
        }
        Map<String, String> fresh = new LinkedHashMap<>();
        for (String line : new String(body, StandardCharsets.UTF_8).split("\n", -1)) {
            int space = line.indexOf(' ');
            if (space > 0) {
                fresh.put(line.substring(0, space), line.substring(space + 1));
            }
        }
        take(gone, fresh, body);
    }

    private static String names(Collection<String> keys) {
        Map<Character, TreeSet<Long>> byKind = new TreeMap<>();
        for (String key : keys) {
            byKind.computeIfAbsent(key.charAt(0), first -> new TreeSet<>()).add(Long.parseLong(key.substring(1)));
        }
        StringBuilder names = new StringBuilder();
        byKind.forEach((kind, numbers) ->
                names.append(names.length() == 0 ? "" : " ").append(kind).append(NumberText.of(numbers)));
        return names.toString();
    }

    private static Collection<String> named(String head) {
        TreeSet<String> keys = new TreeSet<>();
        for (String word : head.isEmpty() ? new String[0] : head.split(" ", -1)) {
            if (word.length() < 2) {
                throw new IllegalArgumentException("a change whose head does not say which lines are gone: " + head);
            }
            NumberText.read(word.substring(1)).forEach(number -> keys.add(word.charAt(0) + Long.toString(number)));
        }
        return keys;
    }

    /** The same on both sides; what is likely to help most stands last. */
    private byte[] helping(Collection<String> gone) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (String key : new TreeSet<>(gone)) {
            all.writeBytes(lines.getOrDefault(key, "").getBytes(StandardCharsets.UTF_8));
        }
        all.writeBytes(last);
        byte[] bytes = all.toByteArray();
        return Arrays.copyOfRange(bytes, Math.max(0, bytes.length - WINDOW), bytes.length);
    }

    private static byte[] deflated(byte[] body, byte[] help) {
        Deflater deflater = new Deflater();
        try {
            if (help.length > 0) {
                deflater.setDictionary(help);
            }
            deflater.setInput(body);
            deflater.finish();
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[8192];
            while (!deflater.finished()) {
                out.write(buffer, 0, deflater.deflate(buffer));
            }
            return out.toByteArray();
        } finally {
            deflater.end();
        }
    }

    private static byte[] inflated(byte[] packed, byte[] help) {
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(packed);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[8192];
            while (!inflater.finished()) {
                int size = inflater.inflate(buffer);
                out.write(buffer, 0, size);
                if (size == 0 && inflater.needsDictionary()) {
                    inflater.setDictionary(help);
                } else if (size == 0 && !inflater.finished()) {
                    throw new IllegalArgumentException("a change that ends too early");
                }
                if (out.size() > MOST_BYTES) {
                    throw new IllegalArgumentException("a change of more than " + MOST_BYTES + " bytes");
                }
            }
            return out.toByteArray();
        } catch (DataFormatException e) {
            throw new IllegalArgumentException("a change that cannot be read", e);
        } finally {
            inflater.end();
        }
    }
}

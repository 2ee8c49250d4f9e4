package io.hapax.benchmarks.faults.judge;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;

/**
 * A line of a history, taken apart.
 *
 * @param number its place in the file, from 1; lines are in the order of their times, so numbers are used as times
 * @param nanos when, by the observer's clock
 * @param source who said so
 * @param type what happened
 * @param words the details
 */
record Line(int number, long nanos, String source, String type, List<String> words) {

    private static final int BEFORE_WORDS = 3;

    /** Time, source, type, words, and the CRC-32 of all that in hexadecimal digits; tabs between them. */
    static Line read(int number, String text) {
        String[] parts = text.split("\t", -1);
        if (parts.length <= BEFORE_WORDS + 1) {
            throw new IllegalArgumentException("line " + number + " is torn: " + text);
        }
        String sum = parts[parts.length - 1];
        CRC32 crc = new CRC32();
        crc.update(text.substring(0, text.length() - sum.length() - 1).getBytes(StandardCharsets.UTF_8));
        if (!sum.equals(Long.toHexString(crc.getValue()))) {
            throw new IllegalArgumentException("line " + number + " is torn: " + text);
        }
        return new Line(
                number,
                Long.parseLong(parts[0]),
                parts[1],
                parts[2],
                List.of(parts).subList(BEFORE_WORDS, parts.length - 1));
    }

    String word(int index) {
        return words.get(index);
    }
}

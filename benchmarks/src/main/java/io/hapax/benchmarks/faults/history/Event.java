package io.hapax.benchmarks.faults.history;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;

/**
 * One line of a history.
 *
 * @param nanos when the observer received it, by its monotonic clock
 * @param source who said so
 * @param type what happened
 * @param fields the details, see {@link EventType}
 */
public record Event(long nanos, String source, EventType type, List<String> fields) {

    /** Checks the number of fields. */
    public Event {
        if (fields.size() != type.fields()) {
            throw new IllegalArgumentException(type + " has " + type.fields() + " fields, got " + fields);
        }
        fields = List.copyOf(fields);
    }

    /**
     * Creates an event.
     *
     * @param nanos when
     * @param source who said so
     * @param type what happened
     * @param fields the details
     * @return the event
     */
    public static Event of(long nanos, String source, EventType type, String... fields) {
        return new Event(nanos, source, type, List.of(fields));
    }

    /**
     * Returns a field.
     *
     * @param index its place, from 0
     * @return its text
     */
    public String field(int index) {
        return fields.get(index);
    }

    /** The event as a line, with a checksum at its end, so that a torn line is noticed. */
    String line() {
        String text = nanos + "\t" + source + "\t" + type + "\t" + String.join("\t", fields);
        return text + "\t" + checksum(text);
    }

    static Event parse(String line) {
        int end = line.lastIndexOf('\t');
        if (end < 0 || !checksum(line.substring(0, end)).equals(line.substring(end + 1))) {
            throw new IllegalArgumentException("a line of a history is torn: " + line);
        }
        String[] parts = line.substring(0, end).split("\t", -1);
        return new Event(
                Long.parseLong(parts[0]),
                parts[1],
                EventType.valueOf(parts[2]),
                Arrays.asList(parts).subList(3, parts.length));
    }

    private static String checksum(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return Long.toHexString(crc.getValue());
    }
}

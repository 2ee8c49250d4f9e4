package io.hapax.benchmarks.faults.history;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** A file to which events are only ever added, in the order of their times. Thread-safe. */
public final class History implements AutoCloseable {

    private final Object lock = new Object();
    private final OutputStream out;

    private History(OutputStream out) {
        this.out = out;
    }

    static History appendTo(Path file) throws IOException {
        return new History(Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
    }

    /** Writes an event down; it has the time at which it is its turn. */
    Event add(String source, EventType type, List<String> fields) {
        synchronized (lock) {
            Event event = new Event(System.nanoTime(), source, type, fields);
            try {
                out.write((event.line() + "\n").getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new IllegalStateException("the history cannot be written", e);
            }
            return event;
        }
    }

    /**
     * Reads a history.
     *
     * @param file the file
     * @return its events in order
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if a line is torn
     */
    public static List<Event> read(Path file) throws IOException {
        return Files.readAllLines(file).stream().map(Event::parse).toList();
    }

    @Override
    public void close() throws IOException {
        synchronized (lock) {
            out.close();
        }
    }
}

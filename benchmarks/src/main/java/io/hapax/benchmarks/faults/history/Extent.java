package io.hapax.benchmarks.faults.history;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * How far a history goes, without a verdict: the processor belongs to the workers that are being observed beside it.
 *
 * @param plan the arguments that do it again; empty if it does not name them
 * @param complete whether the observation was ended properly
 * @param occurrences how many were due
 */
public record Extent(Optional<String> plan, boolean complete, int occurrences) {

    /**
     * Reads a history line by line.
     *
     * @param file the file
     * @return how far it goes
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if a line is torn
     */
    public static Extent of(Path file) throws IOException {
        String plan = null;
        boolean complete = false;
        Set<String> due = new HashSet<>();
        try (Stream<String> lines = Files.lines(file)) {
            for (Iterator<String> all = lines.iterator(); all.hasNext(); ) {
                Event event = Event.parse(all.next());
                switch (event.type()) {
                    case PLAN -> plan = plan == null ? event.field(0) : plan;
                    case OVER -> complete = true;
                    case DUE -> {
                        boolean unused = due.add(event.field(1));
                    }
                    default -> {}
                }
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return new Extent(Optional.ofNullable(plan), complete, due.size());
    }
}

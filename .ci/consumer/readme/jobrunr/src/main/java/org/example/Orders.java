package org.example;

import io.hapax.Guarded;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The job. */
public class Orders {

    /** Where its runs are counted. */
    static final class Counts {
        private final Path file = Path.of(System.getProperty("counts"));

        void add(int order) {
            try {
                Files.writeString(file, order + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static final Counts PROCESSED = new Counts();

@JOB@
}

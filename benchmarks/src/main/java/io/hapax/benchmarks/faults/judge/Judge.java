package io.hapax.benchmarks.faults.judge;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Reads a history and says what ought not to be in it. */
public final class Judge {

    private Judge() {}

    /**
     * What a history tells.
     *
     * @param complete whether the observation was ended properly
     * @param violations what ought not to be there
     */
    public record Judgement(boolean complete, List<Violation> violations) {}

    /**
     * Judges a file.
     *
     * @param file the history
     * @return the judgement
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if a line is torn, or is about a run that never started; names the line
     */
    public static Judgement judge(Path file) throws IOException {
        return judge(Files.readAllLines(file));
    }

    /**
     * Judges the lines of a file.
     *
     * @param lines of the history
     * @return the judgement
     * @throws IllegalArgumentException if a line is torn, or is about a run that never started; names the line
     */
    public static Judgement judge(List<String> lines) {
        Transcript transcript = Transcript.of(lines);
        return new Judgement(
                transcript.over() != null,
                Stream.concat(Keys.judge(transcript).stream(), Telling.judge(transcript).stream())
                        .distinct()
                        .toList());
    }
}

package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hapax.testkit.WallClock;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.InstantSource;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine;

/** What a command has printed, and its exit code. */
record Answered(int code, String out, String err) {

    private static final Pattern TOO_LATE =
            Pattern.compile("within 2000 ms|does not answer|takes \\d+ ms to answer|An I/O error");

    /** With the wall clock, as real servers have it. */
    static CommandLine commandLine() {
        return HapaxCommandLine.of(WallClock.REAL);
    }

    static Answered by(String... arguments) {
        return at(WallClock.REAL, arguments);
    }

    /** Of a command that has another clock. */
    static Answered at(InstantSource clock, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = HapaxCommandLine.of(clock)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
        return new Answered(code, out.toString(), err.toString());
    }

    /** Whether an answer that a worker would not have waited for is among what it says: a busy machine gives it the next time. */
    boolean isOfSlowMachine() {
        return TOO_LATE.matcher(out + err).find();
    }

    /** With some arguments before and some after those of a test. */
    static Answered by(String[] first, String[] last) {
        return by(Stream.concat(Stream.of(first), Stream.of(last)).toArray(String[]::new));
    }

    /** The text with its lines joined, as people read it. */
    String prose() {
        return out.replaceAll("\\s+", " ");
    }

    JsonNode json() {
        assertThat(err).isEmpty();
        return parsed(out);
    }

    static JsonNode parsed(String text) {
        try {
            return new ObjectMapper().readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not one JSON document: " + text, e);
        }
    }
}

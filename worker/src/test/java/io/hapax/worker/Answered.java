package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.stream.Stream;

/** What a command has printed, and its exit code. */
record Answered(int code, String out, String err) {

    static Answered by(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = WorkerMain.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
        return new Answered(code, out.toString(), err.toString());
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

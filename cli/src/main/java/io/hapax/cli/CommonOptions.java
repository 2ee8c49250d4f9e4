package io.hapax.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all commands for people have in common: whose locks and runs it is about, and for whom they print. */
final class CommonOptions {

    static final String JSON = "--json";

    @Option(
            names = "--namespace",
            paramLabel = "NAME",
            description = "that of the workers, by default hapax-worker [HAPAX_NAMESPACE]")
    private @Nullable String namespace;

    @Option(names = JSON, description = "print one JSON document instead of text")
    private boolean json;

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    boolean isJson() {
        return json;
    }

    String namespace() {
        return setting(namespace, "HAPAX_NAMESPACE", "hapax-worker");
    }

    /** What an option says, or else an environment variable. */
    static String setting(@Nullable String option, String variable, String otherwise) {
        String value = option != null ? option : System.getenv(variable);
        return value == null || value.isBlank() ? otherwise : value.trim();
    }

    /**
     * Prints for a program or for people.
     *
     * @param document what a program gets
     * @param text writes what people get
     */
    void print(Object document, Consumer<PrintWriter> text) {
        PrintWriter out = out();
        if (json) {
            out.println(json(document));
        } else {
            text.accept(out);
        }
        out.flush();
    }

    private PrintWriter out() {
        return command().commandLine().getOut();
    }

    /** The time for ages and dates, by the clock that the command line was made with. */
    Instant now() {
        if (command().root().userObject() instanceof HapaxCommandLine main) {
            return main.clock().instant();
        }
        throw new IllegalStateException("the command is not one of hapax");
    }

    private CommandSpec command() {
        if (command == null) {
            throw new IllegalStateException("picocli has not told the command");
        }
        return command;
    }

    /** Waits for an answer; what has failed is thrown as it is. */
    static <T> T answer(CompletionStage<T> stage) {
        try {
            return stage.toCompletableFuture().join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** All in ASCII, so that no text of a key can do anything to a terminal. */
    static String json(Object document) {
        try {
            return JsonMapper.builder()
                    .addModule(new JavaTimeModule())
                    .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
                    .build()
                    .writeValueAsString(document);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the answer could not be written as JSON", e);
        }
    }
}

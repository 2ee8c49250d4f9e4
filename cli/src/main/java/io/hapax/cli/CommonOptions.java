package io.hapax.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import io.hapax.lease.LeaseStoreException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all operator commands have in common: the namespace whose locks and runs they show, and the form of their output. */
final class CommonOptions {

    static final String JSON = "--json";

    @Option(
            names = "--namespace",
            paramLabel = "NAME",
            description =
                    "that of the workers; by default the one that is found, if it is the only one; exec has no default"
                            + " [HAPAX_NAMESPACE]")
    private @Nullable String namespace;

    @Option(names = JSON, description = "print one JSON document instead of text")
    private boolean json;

    private @Nullable String found;

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    boolean isJson() {
        return json;
    }

    /** The one that was named, or found. */
    String namespace() {
        String named = named();
        if (!named.isEmpty()) {
            return named;
        }
        if (found == null) {
            throw new IllegalArgumentException(
                    "name the namespace of the workers, with --namespace or HAPAX_NAMESPACE");
        }
        return found;
    }

    private String named() {
        return setting(namespace, "HAPAX_NAMESPACE", "");
    }

    /**
     * Takes the only namespace there is, unless one was named, and says so.
     *
     * @param search looks for those that workers have used
     * @throws IllegalArgumentException if there is none, or more than one
     */
    void findNamespace(Supplier<List<String>> search) {
        if (!named().isEmpty()) {
            return;
        }
        List<String> all = search.get();
        if (all.size() != 1) {
            throw new IllegalArgumentException(
                    all.isEmpty()
                            ? "no worker has used this server yet, so it has no namespace. Is it the right one? Or name the"
                                    + " namespace with --namespace or HAPAX_NAMESPACE"
                            : "there are several namespaces: " + String.join(", ", all)
                                    + ". Choose one with --namespace or HAPAX_NAMESPACE");
        }
        found = all.get(0);
        if (!json) {
            PrintWriter err = command().commandLine().getErr();
            err.println("hapax: namespace " + found + ", the only one there");
            err.flush();
        }
    }

    /** As above; where there is none, or nobody answers, a name that stands for those to come. */
    boolean findNamespaceOr(String otherwise, Supplier<List<String>> search) {
        if (found != null && !found.equals(otherwise)) {
            // Looked for once, whatever has become of the server since.
            return true;
        }
        List<String> all;
        try {
            all = named().isEmpty() ? search.get() : List.of(named());
        } catch (LeaseStoreException | IllegalArgumentException trouble) {
            all = List.of();
        }
        if (all.isEmpty()) {
            found = otherwise;
            return false;
        }
        List<String> known = all;
        findNamespace(() -> known);
        return true;
    }

    /** What an option says, or else an environment variable. */
    static String setting(@Nullable String option, String variable, String otherwise) {
        String value = option != null ? option : System.getenv(variable);
        return value == null || value.isBlank() ? otherwise : value.trim();
    }

    /**
     * Prints JSON for a program, or text for an operator.
     *
     * @param document what a program gets
     * @param text writes the text
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

    /** Writes output that is already formatted; returns false if nobody reads it any more. */
    boolean write(Consumer<PrintWriter> text) {
        PrintWriter out = out();
        text.accept(out);
        return !out.checkError();
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
            throw new IllegalStateException("picocli has not set the command");
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

package io.hapax.redis;

import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The users of Redis that docs/security.md tells people to make: tests read them there, so that what is documented is what
 * is tested.
 */
final class DocumentedRights {

    private static final Path DOCUMENT = Path.of("../../docs/security.md");
    private static final String ADMINISTRATOR = "admin:root";

    private DocumentedRights() {}

    /** The words of the command that makes a user, for a namespace. */
    static List<String> of(String user, String namespace, String password) {
        return Arrays.stream(line(user).split("\\s+"))
                .map(word -> word.replace("NAMESPACE", namespace).replace("PASSWORD", password))
                .toList();
    }

    /** What is needed beyond that for something. */
    static List<String> addition(String what) {
        Matcher item = Pattern.compile("(?m)^- " + Pattern.quote(what) + ".*?`(\\+[^`]+)`")
                .matcher(document());
        if (!item.find()) {
            throw new IllegalStateException(DOCUMENT + " does not say which rights are needed for " + what);
        }
        return List.of(item.group(1).split(" "));
    }

    private static String document() {
        try {
            return Files.readString(DOCUMENT);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As it stands there, on one line. */
    static String line(String user) {
        String text = document();
        String start = "ACL SETUSER " + user + " ";
        int from = text.indexOf("```\n" + start) + 4;
        if (from < 4) {
            throw new IllegalStateException(DOCUMENT + " does not say how to make the user " + user);
        }
        return text.substring(from, text.indexOf("```", from)).strip().replaceAll("\\s+", " ");
    }

    /** The words that allow a command. */
    static List<String> granted(String user) {
        return Arrays.stream(line(user).split(" "))
                .filter(word -> word.startsWith("+"))
                .map(word -> word.substring(1))
                .toList();
    }

    /** A server that knows an administrator, whom tests use, and nobody else. */
    static EmbeddedRedis start(String... arguments) {
        EmbeddedRedis redis = EmbeddedRedis.start(arguments);
        redis.command("ACL", "SETUSER", "admin", "on", ">root", "~*", "&*", "+@all");
        redis.command("ACL", "SETUSER", "default", "reset");
        return redis;
    }

    static EmbeddedRedis administrator(EmbeddedRedis redis) {
        return EmbeddedRedis.external(redis.url().replace("redis://", "redis://" + ADMINISTRATOR + "@"));
    }

    static void make(EmbeddedRedis redis, List<String> words) {
        administrator(redis).command(words.toArray(String[]::new));
    }

    static List<String> without(List<String> words, String word) {
        List<String> fewer = new ArrayList<>(words);
        if (!fewer.remove(word)) {
            throw new IllegalArgumentException(word + " is not among " + words);
        }
        return fewer;
    }
}

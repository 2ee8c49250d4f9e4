package io.hapax.redis;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.redisson.config.Config;

/** A configuration file of Redisson. Messages about its errors leave out the passwords in it. */
final class YamlFile {

    private static final Pattern PASSWORD = Pattern.compile("(?im)password[\"']?\\s*:\\s*[\"']?([^\"'\\s][^\"'\\n]*)");

    private YamlFile() {}

    static Config read(Path file) {
        String text;
        try {
            text = Files.readString(file);
        } catch (IOException e) {
            throw new IllegalArgumentException("the Redisson configuration " + file + " cannot be read: " + e, e);
        }
        try {
            return Config.fromYAML(text);
        } catch (RuntimeException e) {
            // Its messages quote the file, so it does not become a cause.
            throw new IllegalArgumentException("the Redisson configuration " + file + " cannot be read: "
                    + withoutSecrets(String.valueOf(e), text));
        }
    }

    /** Lines that are quoted are indented; a password may stand in the others, too. */
    private static String withoutSecrets(String message, String text) {
        String plain = message.lines()
                .filter(line -> !line.startsWith("    "))
                .map(String::strip)
                .collect(Collectors.joining(" "));
        for (MatchResult secret : PASSWORD.matcher(text).results().toList()) {
            plain = plain.replace(secret.group(1).strip(), "***");
        }
        return plain;
    }
}

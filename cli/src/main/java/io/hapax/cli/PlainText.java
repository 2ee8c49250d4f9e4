package io.hapax.cli;

import io.hapax.lease.VisibleText;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Text that a terminal shows as it is: keys and names come from elsewhere, and addresses hold passwords. */
final class PlainText {

    private static final DateTimeFormatter SECONDS = DateTimeFormatter.ISO_OFFSET_DATE_TIME.withZone(ZoneId.of("UTC"));

    private static final DateTimeFormatter TIME_OF_DAY =
            DateTimeFormatter.ofPattern("HH:mm:ss'Z'", Locale.ROOT).withZone(ZoneId.of("UTC"));
    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("MM-dd HH:mm'Z'", Locale.ROOT).withZone(ZoneId.of("UTC"));

    /** What stands before the host, but for the words with which messages show how to write an address. */
    private static final Pattern CREDENTIALS = Pattern.compile("//(?!(?:user)?:password@)(?!\\*\\*\\*@)\\S*@");

    private static final Pattern CREDENTIALS_WITH_BLANKS =
            Pattern.compile("//(?!(?:user)?:password@)(?!\\*\\*\\*@)[^'\\n]*@");
    private static final Pattern PARAMETER =
            Pattern.compile("(?i)\\b((?:ssl)?password)=(?!\u2026)(?:(?!&|\\s).)+", Pattern.DOTALL);

    private PlainText() {}

    /** Shows control characters and others that would be invisible, or would turn the line around, by their number. */
    static String visible(String text) {
        return VisibleText.of(text);
    }

    /** As {@link #visible}, of text of several lines. */
    static String lines(String text) {
        return text.lines().map(PlainText::visible).collect(Collectors.joining("\n"));
    }

    /** Words below each other, after something that stands before the first line only. */
    static void paragraph(PrintWriter out, String first, String text) {
        StringBuilder line = new StringBuilder(first);
        boolean empty = true;
        for (String word : visible(text).split(" ", -1)) {
            if (!empty && line.length() + 1 + word.length() > TextTable.WIDTH) {
                out.println(line);
                line = new StringBuilder(" ".repeat(first.length()));
                empty = true;
            }
            line.append(empty ? "" : " ").append(word);
            empty = false;
        }
        out.println(line);
    }

    static void paragraphs(PrintWriter out, String text) {
        text.lines().forEach(line -> paragraph(out, "", line));
    }

    /** A message without the passwords of addresses that it quotes. */
    static String withoutPasswords(String message) {
        String plain = CREDENTIALS.matcher(message).replaceAll("//***@");
        return PARAMETER.matcher(plain).replaceAll("$1=***");
    }

    /** Of a message that quotes arguments as they were typed, blanks and all. */
    static String withoutTypedPasswords(String message) {
        return withoutPasswords(CREDENTIALS_WITH_BLANKS.matcher(message).replaceAll("//***@"));
    }

    static String time(Instant instant) {
        return SECONDS.format(instant.truncatedTo(ChronoUnit.SECONDS));
    }

    /** For tables: the time of the last day, the date of what is older. */
    static String shortTime(Instant instant, long ageMillis) {
        return (ageMillis < Duration.ofDays(1).toMillis() ? TIME_OF_DAY : DATE).format(instant);
    }

    /** Two units at most: 350 ms, 21 s, 3 m 12 s, 5 h 2 m, 12 d 3 h. */
    static String duration(Duration duration) {
        if (duration.compareTo(Duration.ofSeconds(1)) < 0) {
            return Math.max(0, duration.toMillis()) + " ms";
        }
        if (duration.toMinutes() < 1) {
            return duration.toSeconds() + " s";
        }
        if (duration.toHours() < 1) {
            return duration.toMinutes() + " m " + duration.toSecondsPart() + " s";
        }
        if (duration.toDays() < 1) {
            return duration.toHours() + " h " + duration.toMinutesPart() + " m";
        }
        return duration.toDays() + " d " + duration.toHoursPart() + " h";
    }
}

package io.hapax.examples;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The texts and the comments of a Java source, each on the lines where they stand.
 *
 * @param texts the source with everything but string literals left out
 * @param comments the source with everything but comments left out
 */
record JavaText(String texts, String comments) {

    private static final Pattern PART = Pattern.compile(
            "(?s)(?<comment>/\\*.*?\\*/|//[^\\n]*)|(?<text>\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*+\")|'(?:\\\\.|[^'\\\\])+'");

    static JavaText of(String source) {
        StringBuilder texts = new StringBuilder();
        StringBuilder comments = new StringBuilder();
        Matcher part = PART.matcher(source);
        int end = 0;
        while (part.find()) {
            String between = lineBreaks(source.substring(end, part.start()));
            String breaks = lineBreaks(part.group());
            texts.append(between).append(part.group("text") == null ? breaks : part.group());
            comments.append(between).append(part.group("comment") == null ? breaks : part.group());
            end = part.end();
        }
        return new JavaText(texts.toString(), comments.toString());
    }

    private static String lineBreaks(String text) {
        return text.replaceAll("[^\\n]", "");
    }
}

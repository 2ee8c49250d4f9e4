package io.hapax.lease;

import java.util.Locale;

/**
 * Text that stands on one line of a log or a terminal, and does nothing there.
 *
 * <p>Names and keys come from elsewhere: a line break in one would forge a line, an escape sequence would steer a terminal,
 * and a mark of direction would turn the line around. This is the one place that decides which characters are shown by
 * their numbers.
 */
public final class VisibleText {

    private VisibleText() {}

    /**
     * Shows control characters, and others that would be invisible or act on the text around them, by their numbers.
     *
     * @param text any text
     * @return the same text if it has none of them
     */
    public static String of(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~') {
                return shown(text);
            }
        }
        return text;
    }

    private static String shown(String text) {
        StringBuilder shown = new StringBuilder(text.length());
        text.codePoints().forEach(point -> {
            if (acts(point)) {
                shown.append(String.format(Locale.ROOT, "\\u%04X", point));
            } else {
                shown.appendCodePoint(point);
            }
        });
        return shown.toString();
    }

    private static boolean acts(int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> true;
            default -> false;
        };
    }
}

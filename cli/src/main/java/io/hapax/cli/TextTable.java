package io.hapax.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** A table that fits into a terminal: columns are as wide as they need to be, and the widest ones give way. */
final class TextTable {

    static final int WIDTH = 100;

    private static final String GAP = "  ";
    private static final int NARROWEST = 8;

    private final List<String> titles;
    private final List<List<String>> rows = new ArrayList<>();

    TextTable(String... titles) {
        this.titles = List.of(titles);
    }

    void row(String... cells) {
        rows.add(Arrays.stream(cells).map(PlainText::visible).toList());
    }

    /** A line of its own below the last row, for what would leave no room for the others. */
    void below(String text) {
        rows.add(List.of(PlainText.visible(text)));
    }

    void print(PrintWriter out) {
        int[] widths = widths();
        line(out, titles, widths);
        for (List<String> row : rows) {
            if (row.size() == widths.length) {
                line(out, row, widths);
            } else {
                out.println(GAP + shortened(row.get(0), WIDTH - GAP.length()));
            }
        }
    }

    private int[] widths() {
        int[] widths = new int[titles.size()];
        for (int n = 0; n < widths.length; n++) {
            int column = n;
            widths[n] = Math.max(
                    length(titles.get(n)),
                    rows.stream()
                            .filter(row -> row.size() == titles.size())
                            .mapToInt(row -> length(row.get(column)))
                            .max()
                            .orElse(0));
        }
        int room = WIDTH - GAP.length() * (widths.length - 1);
        while (Arrays.stream(widths).sum() > room) {
            int widest = 0;
            for (int n = 1; n < widths.length; n++) {
                widest = widths[n] > widths[widest] ? n : widest;
            }
            if (widths[widest] <= NARROWEST) {
                break;
            }
            widths[widest]--;
        }
        return widths;
    }

    private static void line(PrintWriter out, List<String> cells, int[] widths) {
        List<String> shown = new ArrayList<>();
        for (int n = 0; n < widths.length; n++) {
            String cell = shortened(cells.get(n), widths[n]);
            shown.add(cell + " ".repeat(widths[n] - length(cell)));
        }
        out.println(shown.stream().collect(Collectors.joining(GAP)).stripTrailing());
    }

    /** Keys tell the most at their beginnings and ends. */
    private static String shortened(String text, int width) {
        int length = length(text);
        if (length <= width) {
            return text;
        }
        int head = width / 2;
        return text.substring(0, text.offsetByCodePoints(0, head))
                + "…"
                + text.substring(text.offsetByCodePoints(0, length - (width - head - 1)));
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }
}

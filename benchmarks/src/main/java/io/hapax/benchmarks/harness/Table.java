package io.hapax.benchmarks.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A table that is printed in Markdown row by row, and can be written as comma-separated values. Not thread-safe. */
public final class Table {

    private final List<List<String>> rows = new ArrayList<>();

    /**
     * Prints the head of a table.
     *
     * @param columns their titles
     */
    public Table(String... columns) {
        print(List.of(columns));
        print(Collections.nCopies(columns.length, "---"));
        rows.add(List.of(columns));
    }

    /**
     * Prints a row.
     *
     * @param cells one a column: strings as they are, whole numbers in full, others with three significant digits
     * @throws IllegalArgumentException if there are more or fewer than columns
     */
    public void row(Object... cells) {
        int columns = rows.get(0).size();
        if (cells.length != columns) {
            throw new IllegalArgumentException(cells.length + " cells for " + columns + " columns");
        }
        List<String> row = Stream.of(cells).map(Table::text).toList();
        print(row);
        rows.add(row);
    }

    /**
     * Writes what was printed so far.
     *
     * @param file the file, which is replaced
     * @throws IOException if it cannot be written
     */
    public void write(Path file) throws IOException {
        Files.write(
                file,
                rows.stream()
                        .map(row -> row.stream().map(Table::quoted).collect(Collectors.joining(",")))
                        .toList());
    }

    private static void print(List<String> row) {
        System.out.println("| " + String.join(" | ", row) + " |");
    }

    private static String quoted(String cell) {
        return cell.contains(",") || cell.contains("\"") ? '"' + cell.replace("\"", "\"\"") + '"' : cell;
    }

    /**
     * Writes a number as it stands in a table.
     *
     * @param cell a number, or anything else
     * @return three significant digits, or all digits of a whole number
     */
    public static String text(Object cell) {
        if (!(cell instanceof Double number)) {
            return String.valueOf(cell);
        }
        if (number.isNaN()) {
            return "–";
        }
        double size = Math.abs(number);
        int decimals = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
        return String.format(Locale.ROOT, "%." + decimals + "f", number);
    }
}

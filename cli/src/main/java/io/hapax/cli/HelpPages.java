package io.hapax.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code --help} prints, as it was when the jar was built: to describe its commands, picocli has to load them and all that they
 * need, which takes several times as long as Java needs to start. A test compares the pages with picocli's.
 */
final class HelpPages {

    static final String FOLDER = "help/";
    private static final String ROOT = "hapax";

    private HelpPages() {}

    /**
     * Prints a page, if that is all that is asked for.
     *
     * @return false if it is for picocli to answer
     */
    static boolean answers(String[] args, PrintStream out) {
        String page = asked(List.of(args));
        if (page == null) {
            return false;
        }
        try (InputStream text = HelpPages.class.getResourceAsStream(FOLDER + page)) {
            if (text == null) {
                return false;
            }
            text.transferTo(out);
            out.flush();
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** The file with the help of a command, by its words. */
    static String page(List<String> words) {
        return (words.isEmpty() ? ROOT : ROOT + "-" + String.join("-", words)) + ".txt";
    }

    private static @Nullable String asked(List<String> args) {
        if (args.isEmpty()) {
            return page(args);
        }
        int last = args.size() - 1;
        List<String> words = args.subList(0, last);
        boolean help = args.get(last).equals("--help") || args.get(last).equals("-h");
        return help && words.stream().allMatch(HelpPages::isWord) ? page(words) : null;
    }

    private static boolean isWord(String text) {
        return !text.isEmpty() && text.chars().allMatch(c -> c >= 'a' && c <= 'z');
    }
}

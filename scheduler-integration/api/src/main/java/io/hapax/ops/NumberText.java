package io.hapax.ops;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.TreeSet;

/**
 * Numbers as a short text: the first one, then how far each next one is away, in front of it a dot; of those that follow each other
 * only how many, in front of it a plus. {@code 17.3+2.100} is 17, 20, 21, 22, 122.
 */
final class NumberText {

    /** Of what others have written; above that it is no list of runs. */
    private static final int MOST = 1_000_000;

    private NumberText() {}

    static String of(Collection<Long> numbers) {
        StringBuilder text = new StringBuilder();
        Iterator<Long> sorted = new TreeSet<>(numbers).iterator();
        long last = -1;
        int following = 0;
        while (sorted.hasNext()) {
            long number = sorted.next();
            if (text.length() == 0) {
                text.append(number);
            } else if (number == last + 1) {
                following++;
            } else {
                following = end(text, following);
                text.append('.').append(number - last);
            }
            last = number;
        }
        end(text, following);
        return text.toString();
    }

    private static int end(StringBuilder text, int following) {
        if (following > 0) {
            text.append('+').append(following);
        }
        return 0;
    }

    /** Fails with an {@link IllegalArgumentException} if it is no such text. */
    static List<Long> read(String text) {
        List<Long> numbers = new ArrayList<>();
        int at = 0;
        long last = 0;
        while (at < text.length()) {
            char kind = numbers.isEmpty() ? '.' : text.charAt(at++);
            int end = at;
            while (end < text.length() && Character.isDigit(text.charAt(end))) {
                end++;
            }
            long amount = Long.parseLong(text.substring(at, end));
            if ((kind != '.' && kind != '+') || amount < 0 || (kind == '+' ? amount : 1) > MOST - numbers.size()) {
                throw new IllegalArgumentException("no list of numbers: " + text);
            }
            if (kind == '.') {
                last += amount;
                numbers.add(last);
            } else {
                for (long n = 0; n < amount; n++) {
                    numbers.add(++last);
                }
            }
            at = end;
        }
        return numbers;
    }
}

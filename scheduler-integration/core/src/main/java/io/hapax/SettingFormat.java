package io.hapax;

import io.hapax.lease.VisibleText;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * How values of a setting are written and checked.
 *
 * @param parser reads a text, given the name of the setting
 * @param check refuses a value, given the name of the setting
 * @param allowed for display
 */
record SettingFormat<T>(
        Class<T> type,
        BiFunction<String, String, T> parser,
        Function<T, String> writer,
        BiConsumer<String, T> check,
        String allowed) {

    /** Its type refuses what is out of range. */
    static final SettingFormat<Throttle> THROTTLE = new SettingFormat<>(
            Throttle.class,
            (name, text) -> Throttle.parse(text),
            Throttle::text,
            (name, value) -> {},
            "runs/period, from 1 to " + Throttle.MOST_RUNS + " runs in 1ms to " + DurationText.write(Throttle.LONGEST)
                    + ", or 0");

    /** Only these two words: a caller that mistypes one must not believe that the guard refuses, or that it does not. */
    static final SettingFormat<Boolean> FLAG = new SettingFormat<>(
            Boolean.class, SettingFormat::flag, value -> Boolean.toString(value), (name, value) -> {}, "true, false");

    private static Boolean flag(String name, String text) {
        return switch (text.trim().toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default ->
                throw new IllegalArgumentException(
                        "setting " + name + ": '" + VisibleText.of(text) + "' is not known; allowed are [true, false]");
        };
    }

    static SettingFormat<Duration> duration(Duration least, Duration most) {
        return new SettingFormat<>(
                Duration.class,
                DurationText::parse,
                DurationText::write,
                (name, value) -> DurationText.requireBetween("setting " + name + ":", value, least, most),
                DurationText.write(least) + " to " + DurationText.write(most));
    }

    /**
     * @param what the numbers mean, as end of "from 1 to 3 …"
     * @param instead what to do where no number fits
     */
    static SettingFormat<Integer> number(int least, int most, String what, String instead) {
        return new SettingFormat<>(
                Integer.class,
                SettingFormat::wholeNumber,
                value -> Integer.toString(value),
                (name, value) -> {
                    if (value < least || value > most) {
                        throw new IllegalArgumentException("setting " + name + ": from " + least + " to " + most + " "
                                + what + ", was " + value + "; " + instead);
                    }
                },
                least + " to " + most);
    }

    private static Integer wholeNumber(String name, String text) {
        try {
            return Integer.valueOf(text.trim());
        } catch (NumberFormatException wrong) {
            throw new IllegalArgumentException(
                    "setting " + name + ": '" + VisibleText.of(text) + "' is not a whole number", wrong);
        }
    }

    static <E extends Enum<E>> SettingFormat<E> choice(Class<E> type) {
        String all = Arrays.toString(type.getEnumConstants());
        return new SettingFormat<>(
                type,
                (name, text) -> constant(name, text, type, all),
                Enum::name,
                (name, value) -> {},
                all.substring(1, all.length() - 1));
    }

    private static <E extends Enum<E>> E constant(String name, String text, Class<E> type, String all) {
        String wanted = text.trim().replace('-', '_').toUpperCase(Locale.ROOT);
        for (E each : type.getEnumConstants()) {
            if (each.name().equals(wanted)) {
                return each;
            }
        }
        throw new IllegalArgumentException(
                "setting " + name + ": '" + VisibleText.of(text) + "' is not known; allowed are " + all);
    }
}

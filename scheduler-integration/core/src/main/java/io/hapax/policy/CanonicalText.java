package io.hapax.policy;

import java.lang.reflect.Array;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.MonthDay;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The one text of a value: the same in every JVM, locale and time zone, and another one for every other value. A closed list
 * of types: what somebody else's {@code toString} says cannot be relied upon.
 */
final class CanonicalText {

    private static final int DEEPEST = 16;
    private static final int LONGEST = 100_000;
    /** Escaped in texts, so that none looks like a list, map or record, or like a key's own slash. */
    private static final String RESERVED = "%/[]{}";
    /** Escaped, too, within brackets. */
    private static final String RESERVED_WITHIN = RESERVED + ",=";
    /** An empty text within brackets, so that a list of it differs from an empty list. */
    private static final String EMPTY = "%e";

    private static final Set<Class<?>> WHOLE_NUMBERS =
            Set.of(Byte.class, Short.class, Integer.class, Long.class, BigInteger.class);
    private static final Set<Class<?>> FRACTIONS = Set.of(Float.class, Double.class);
    /** Their {@code toString} is specified. */
    private static final Set<Class<?>> SPECIFIED = Set.of(
            Boolean.class,
            UUID.class,
            URI.class,
            Instant.class,
            LocalDate.class,
            LocalTime.class,
            LocalDateTime.class,
            OffsetTime.class,
            OffsetDateTime.class,
            ZonedDateTime.class,
            Year.class,
            YearMonth.class,
            MonthDay.class,
            Duration.class,
            Period.class);

    /** A value without such a text. The message says which. */
    static final class NoTextException extends IllegalArgumentException {

        private static final long serialVersionUID = 1L;

        NoTextException(String message) {
            super(message);
        }
    }

    /** Characters that end the text in its key are escaped. */
    private final int end;

    private CanonicalText(int end) {
        this.end = end;
    }

    /**
     * Tells the text of a value.
     *
     * @param end the character behind it, or {@link KeyEscape#NO_END}
     * @throws NoTextException if it has none that is the same in every JVM
     * @throws IllegalArgumentException if it, or a part of it, is null or empty
     */
    static String of(Object value, int end) {
        String text = new CanonicalText(end).text(value, 0, RESERVED);
        if (text.length() > LONGEST) {
            throw new NoTextException("its text is longer than " + LONGEST + " characters");
        }
        return text;
    }

    private String text(@Nullable Object value, int depth, String reserved) {
        if (value == null) {
            throw new IllegalArgumentException("a part of it is null, so different work would have one key");
        }
        if (depth > DEEPEST) {
            throw new NoTextException("it is nested more than " + DEEPEST + " deep");
        }
        if (value instanceof Optional<?> optional) {
            return text(optional.orElse(null), depth, reserved);
        }
        String plain = plain(value);
        return plain != null ? KeyEscape.escaped(plain, reserved, end) : composed(value, depth);
    }

    /** Null if it consists of others. */
    private static @Nullable String plain(Object value) {
        Class<?> type = value.getClass();
        if (value instanceof Enum<?> constant) {
            return constant.name();
        }
        if (value instanceof String || value instanceof Character || hasSpecifiedText(type)) {
            return value.toString();
        }
        if (FRACTIONS.contains(type)) {
            return fraction(value.toString());
        }
        if (type == BigDecimal.class) {
            return number((BigDecimal) value);
        }
        if (value instanceof ZoneId zone) {
            return zone.getId();
        }
        return value instanceof Date date ? instant(date) : optionalNumber(value);
    }

    private static boolean hasSpecifiedText(Class<?> type) {
        return WHOLE_NUMBERS.contains(type) || SPECIFIED.contains(type);
    }

    private static String fraction(String text) {
        char last = text.charAt(text.length() - 1);
        // NaN and Infinity end in letters.
        return Character.isDigit(last) ? number(new BigDecimal(text)) : text;
    }

    /** Of numbers that are equal the same text: 1, 1.0 and 1.00 may come from one column of a database. */
    private static String number(BigDecimal number) {
        BigDecimal stripped = number.signum() == 0 ? BigDecimal.ZERO : number.stripTrailingZeros();
        return Math.abs((long) stripped.scale()) > 100 ? stripped.toString() : stripped.toPlainString();
    }

    /** The date of a database has no time zone, so it is another instant in each. */
    @SuppressWarnings("JavaUtilDate") // values of applications
    private static String instant(Date date) {
        boolean known =
                date.getClass() == Date.class || date.getClass().getName().equals("java.sql.Timestamp");
        if (!known) {
            throw new NoTextException(
                    "a " + date.getClass().getName() + " has no text that is the same in every time zone");
        }
        return date.toInstant().toString();
    }

    private String composed(Object value, int depth) {
        if (value instanceof List<?> list) {
            return "[" + String.join(",", parts(list, depth)) + "]";
        }
        if (value.getClass().isArray()) {
            List<@Nullable Object> elements = new ArrayList<>();
            for (int i = 0; i < Array.getLength(value); i++) {
                elements.add(Array.get(value, i));
            }
            return "[" + String.join(",", parts(elements, depth)) + "]";
        }
        if (value instanceof Set<?> set) {
            return "{" + String.join(",", sorted(parts(set, depth))) + "}";
        }
        if (value instanceof Map<?, ?> map) {
            return map(map, depth);
        }
        if (value instanceof Record record) {
            return record(record, depth);
        }
        throw new NoTextException("a " + value.getClass().getTypeName() + " has no text that is the same in every JVM");
    }

    /** Null if it is none. */
    private static @Nullable String optionalNumber(Object value) {
        if (value.equals(OptionalInt.empty())
                || value.equals(OptionalLong.empty())
                || value.equals(OptionalDouble.empty())) {
            throw new IllegalArgumentException("it is empty, so different work would have one key");
        }
        if (value instanceof OptionalInt number) {
            return Integer.toString(number.getAsInt());
        }
        if (value instanceof OptionalLong number) {
            return Long.toString(number.getAsLong());
        }
        return value instanceof OptionalDouble number ? fraction(Double.toString(number.getAsDouble())) : null;
    }

    private List<String> parts(Collection<?> values, int depth) {
        List<String> parts = new ArrayList<>();
        for (Object value : values) {
            parts.add(part(value, depth));
        }
        return parts;
    }

    private String part(@Nullable Object value, int depth) {
        String text = text(value, depth + 1, RESERVED_WITHIN);
        return text.isEmpty() ? EMPTY : text;
    }

    private static List<String> sorted(List<String> parts) {
        Collections.sort(parts);
        return parts;
    }

    private String map(Map<?, ?> map, int depth) {
        List<String> entries = new ArrayList<>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            entries.add(part(entry.getKey(), depth) + "=" + part(entry.getValue(), depth));
        }
        return "{" + String.join(",", sorted(entries)) + "}";
    }

    /** With its type, as two kinds of payment may have the same components. */
    private String record(Record record, int depth) {
        List<String> components = new ArrayList<>();
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            components.add(component.getName() + "=" + part(read(record, component), depth));
        }
        String type = KeyEscape.escaped(record.getClass().getName(), "", end);
        return type + "{" + String.join(",", components) + "}";
    }

    private static @Nullable Object read(Record record, RecordComponent component) {
        try {
            component.getAccessor().setAccessible(true);
            return component.getAccessor().invoke(record);
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException(
                    "reading '" + component.getName() + "' of a "
                            + record.getClass().getName() + " threw " + e.getCause(),
                    e.getCause());
        } catch (IllegalAccessException | InaccessibleObjectException e) {
            throw new IllegalArgumentException(
                    "'" + component.getName() + "' of a " + record.getClass().getName() + " is not accessible: "
                            + e.getMessage(),
                    e);
        }
    }
}

package io.hapax.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.sql.Timestamp;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TimeZone;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CanonicalTextTest {

    private static String text(Object value) {
        return CanonicalText.of(value, KeyEscape.NO_END);
    }

    record Point(int x, int y) {}

    record Named(String name, List<Point> points) {}

    record Card(String number) {}

    record Iban(String number) {}

    enum Colour {
        RED {
            @Override
            public String toString() {
                return "some red";
            }
        }
    }

    static final class Order {
        @Override
        public String toString() {
            return "order";
        }
    }

    static final class MyDecimal extends BigDecimal {
        private static final long serialVersionUID = 1L;

        MyDecimal() {
            super(1);
        }
    }

    @SuppressWarnings("JavaUtilDate")
    static Stream<Arguments> texts() {
        UUID uuid = new UUID(1, 2);
        Instant instant = Instant.parse("2026-03-29T01:30:00.123456789Z");
        return Stream.of(
                Arguments.of("plain text", "plain text"),
                Arguments.of("a[b]{c}%", "a%5Bb%5D%7Bc%7D%25"),
                Arguments.of('x', "x"),
                Arguments.of(7, "7"),
                Arguments.of(-7L, "-7"),
                Arguments.of((byte) 7, "7"),
                Arguments.of(new BigInteger("123456789012345678901234567890"), "123456789012345678901234567890"),
                Arguments.of(1.0, "1"),
                Arguments.of(0.1f, "0.1"),
                Arguments.of(-0.0, "0"),
                Arguments.of(Double.NaN, "NaN"),
                Arguments.of(Double.NEGATIVE_INFINITY, "-Infinity"),
                Arguments.of(new BigDecimal("10.00"), "10"),
                Arguments.of(new BigDecimal("1E+3"), "1000"),
                Arguments.of(new BigDecimal("0E+5000"), "0"),
                Arguments.of(new BigDecimal("1E+5000"), "1E+5000"),
                Arguments.of(true, "true"),
                Arguments.of(Colour.RED, "RED"),
                Arguments.of(DayOfWeek.MONDAY, "MONDAY"),
                Arguments.of(uuid, "00000000-0000-0001-0000-000000000002"),
                Arguments.of(instant, "2026-03-29T01:30:00.123456789Z"),
                Arguments.of(LocalDate.of(2028, 2, 29), "2028-02-29"),
                Arguments.of(Duration.ofMinutes(90), "PT1H30M"),
                Arguments.of(
                        ZonedDateTime.ofInstant(instant, ZoneId.of("Europe/Berlin")),
                        "2026-03-29T03:30:00.123456789+02:00%5BEurope%2FBerlin%5D"),
                Arguments.of(ZoneId.of("Asia/Kathmandu"), "Asia%2FKathmandu"),
                Arguments.of(ZoneOffset.ofHours(2), "+02:00"),
                Arguments.of(Date.from(Instant.parse("2026-03-29T01:30:00.123Z")), "2026-03-29T01:30:00.123Z"),
                Arguments.of(Timestamp.from(instant), "2026-03-29T01:30:00.123456789Z"),
                Arguments.of(URI.create("http://[::1]/a"), "http:%2F%2F%5B::1%5D%2Fa"),
                Arguments.of(Optional.of("a"), "a"),
                Arguments.of(OptionalInt.of(3), "3"),
                Arguments.of(OptionalLong.of(3), "3"),
                Arguments.of(OptionalDouble.of(3), "3"),
                Arguments.of(List.of("a,b", 1), "[a%2Cb,1]"),
                Arguments.of(List.of(Optional.of("a,b")), "[a%2Cb]"),
                Arguments.of(List.of(), "[]"),
                Arguments.of(List.of(""), "[%e]"),
                Arguments.of("", ""),
                Arguments.of(new String[] {"a", "b"}, "[a,b]"),
                Arguments.of(new int[][] {{1, 2}, {3}}, "[[1,2],[3]]"),
                Arguments.of(new LinkedHashSet<>(List.of("b", "a")), "{a,b}"),
                Arguments.of(Map.of("k=", "v", "j", 1), "{j=1,k%3D=v}"),
                Arguments.of(new Point(1, 2), Point.class.getName() + "{x=1,y=2}"),
                Arguments.of(
                        new Named("n", List.of(new Point(1, 2))),
                        Named.class.getName() + "{name=n,points=[" + Point.class.getName() + "{x=1,y=2}]}"));
    }

    /** The build lets nothing else ask for the zone of the machine. */
    @Retention(RetentionPolicy.CLASS)
    private @interface ChangesZone {}

    @ParameterizedTest
    @MethodSource("texts")
    @ResourceLock(Resources.LOCALE)
    @ResourceLock(Resources.TIME_ZONE)
    @ChangesZone
    void a_value_has_one_text_in_every_locale_and_time_zone(Object value, String text) {
        Locale locale = Locale.getDefault();
        TimeZone zone = TimeZone.getDefault();
        try {
            for (String tag : List.of("en-US", "tr-TR", "ar-EG-u-nu-arab", "th-TH-u-ca-buddhist")) {
                for (String id : List.of("UTC", "Asia/Kathmandu", "Pacific/Apia")) {
                    Locale.setDefault(Locale.forLanguageTag(tag));
                    TimeZone.setDefault(TimeZone.getTimeZone(id));
                    assertThat(text(value)).isEqualTo(text);
                }
            }
        } finally {
            Locale.setDefault(locale);
            TimeZone.setDefault(zone);
        }
    }

    @SuppressWarnings("JavaUtilDate")
    static Stream<Object> withoutText() {
        List<Object> endless = new ArrayList<>();
        endless.add(endless);
        return Stream.of(
                new Order(),
                new Object(),
                new MyDecimal(),
                new java.sql.Date(0),
                new java.sql.Time(0),
                new AtomicInteger(1),
                new StringBuilder("a"),
                new ArrayDeque<>(List.of(1)),
                Locale.ROOT,
                Object.class,
                new Throwable("x"),
                List.of(new Order()),
                new Object[] {new Order()},
                Map.of("a", new Order()),
                Map.of(new Order(), "a"),
                Optional.of(new Order()),
                endless,
                Collections.nCopies(60_000, "ab"));
    }

    @ParameterizedTest
    @MethodSource("withoutText")
    void every_other_object_is_refused(Object value) {
        assertThatExceptionOfType(CanonicalText.NoTextException.class).isThrownBy(() -> text(value));
    }

    @Test
    void the_type_is_named() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> text(List.of(new Order())))
                .withMessage("a " + Order.class.getName() + " has no text that is the same in every JVM");
    }

    static Stream<Object> empty() {
        Map<String, @Nullable String> withNull = new HashMap<>();
        withNull.put("a", null);
        return Stream.of(
                Optional.empty(),
                OptionalInt.empty(),
                OptionalLong.empty(),
                OptionalDouble.empty(),
                Arrays.asList("a", null),
                withNull,
                new Card(nothing()));
    }

    @SuppressWarnings("NullAway") // what callers do all the same
    private static String nothing() {
        return null;
    }

    @ParameterizedTest
    @MethodSource("empty")
    void what_is_missing_is_refused(Object value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> text(value))
                .withMessageContaining("so different work would have one key");
    }

    @Test
    void sets_and_maps_of_two_jvms_have_one_text() {
        Map<String, Integer> one = new LinkedHashMap<>();
        Map<String, Integer> other = new LinkedHashMap<>();
        for (int n = 0; n < 100; n++) {
            one.put("key" + n, n);
            other.put("key" + (99 - n), 99 - n);
        }
        assertThat(text(one)).isEqualTo(text(other));
        assertThat(text(one.keySet())).isEqualTo(text(other.keySet()));
    }

    @Test
    void two_records_with_the_same_components_differ() {
        assertThat(text(new Card("1"))).isNotEqualTo(text(new Iban("1")));
    }

    /** A value of lists and maps of short texts, which are made of everything that means something in a text. */
    private static Object anything(Random random, int depth) {
        int kind = random.nextInt(depth == 0 ? 1 : 4);
        int size = random.nextInt(3);
        return switch (kind) {
            case 0 -> {
                StringBuilder text = new StringBuilder();
                for (int n = 0; n < size; n++) {
                    text.append("a,=[]{}%".charAt(random.nextInt(8)));
                }
                yield text.toString();
            }
            case 1 ->
                Stream.generate(() -> anything(random, depth - 1)).limit(size).toList();
            case 2 -> {
                Map<Object, Object> map = new HashMap<>();
                for (int n = 0; n <= size; n++) {
                    map.put(anything(random, depth - 1), anything(random, depth - 1));
                }
                yield map;
            }
            default ->
                Set.copyOf(Stream.generate(() -> anything(random, depth - 1))
                        .limit(size + 1)
                        .toList());
        };
    }

    @Test
    void different_values_have_different_texts() {
        Random random = new Random(20261128);
        Map<String, Object> seen = new HashMap<>();
        for (int n = 0; n < 200_000; n++) {
            Object value = anything(random, 3);
            Object before = seen.putIfAbsent(text(value), value);
            assertThat(before == null || before.equals(value))
                    .as("%s and %s are both %s", before, value, text(value))
                    .isTrue();
        }
        assertThat(seen).hasSizeGreaterThan(10_000);
    }
}

package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.assertj.core.api.ObjectAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Places while the clock of Redis is set back: none is longer than it was asked for, and none shorter. */
class PlacesOnRedisTest {

    private static final String PLACES = "hapax:{places:0}:p:mail";
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration MOMENT = Duration.ofMillis(1);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = RedissonLeaseStore.builder()
            .url(redis.url())
            .namespace("places")
            .answerTimeout(Fixture.PATIENCE)
            .firstStart(WallClock.now())
            .build();

    @AfterEach
    void stop() {
        store.close();
        redis.close();
    }

    private Reservations places() {
        return store.reservations().orElseThrow();
    }

    private Reservation reserve(String holder, int limit, Duration time) {
        return get(places().reserve(new ReservationRequest("mail", holder, limit, time)));
    }

    private Map<String, Long> scores() {
        List<String> lines =
                redis.command("ZRANGE", PLACES, "0", "-1", "WITHSCORES").lines().toList();
        Map<String, Long> scores = new HashMap<>();
        for (int n = 0; n + 1 < lines.size(); n += 2) {
            scores.put(lines.get(n), Long.parseLong(lines.get(n + 1)));
        }
        return scores;
    }

    /** As if its clock had been ahead by so much until now. */
    private void setBack(Duration by) {
        long micros = by.toMillis() * 1000;
        scores().forEach((member, score) -> redis.command(
                "ZADD", PLACES, Long.toString(member.isEmpty() ? score - micros : score + micros), member));
    }

    private static ObjectAssert<Reservation.Full> assertFull(Reservation answer) {
        return assertThat(answer).asInstanceOf(InstanceOfAssertFactories.type(Reservation.Full.class));
    }

    @Test
    void a_clock_that_was_set_back_prolongs_no_place_and_shortens_none_to_what_is_asked_for_now() {
        assertThat(reserve("long", 2, HOUR)).isInstanceOf(Reservation.Made.class);
        assertThat(reserve("short", 2, MINUTE)).isInstanceOf(Reservation.Made.class);
        setBack(Duration.ofDays(1));

        assertFull(reserve("momentary", 2, MOMENT)).satisfies(full -> {
            assertThat(full.first()).isEqualTo("short");
            assertThat(full.left()).isBetween(MINUTE.dividedBy(2), MINUTE);
        });
        assertThat(get(places().giveUp("mail", "short"))).isTrue();
        assertFull(reserve("momentary", 1, MOMENT)).satisfies(full -> {
            assertThat(full.first()).isEqualTo("long");
            assertThat(full.left()).isBetween(HOUR.minus(MINUTE), HOUR);
        });
        assertThat(get(places().holders("mail"))).containsExactly("long");
    }

    @Test
    void places_that_were_over_before_the_clock_was_set_back_are_free() {
        assertThat(reserve("first", 1, Duration.ofMillis(20))).isInstanceOf(Reservation.Made.class);
        org.awaitility.Awaitility.await()
                .until(() -> reserve("second", 1, Duration.ofSeconds(20)) instanceof Reservation.Made);
        setBack(HOUR);
        assertFull(reserve("third", 1, HOUR)).satisfies(full -> {
            assertThat(full.first()).isEqualTo("second");
            assertThat(full.left()).isLessThanOrEqualTo(Duration.ofSeconds(20));
        });
        assertThat(get(places().giveUp("mail", "second"))).isTrue();
        assertThat(reserve("third", 1, HOUR)).isInstanceOf(Reservation.Made.class);
    }

    @Test
    void what_is_noted_beside_the_places_is_no_holder_and_takes_nobodys_place() {
        for (String holder : List.of("a", "b")) {
            assertThat(reserve(holder, 2, HOUR)).isInstanceOf(Reservation.Made.class);
        }
        assertFull(reserve("c", 2, HOUR))
                .satisfies(full -> assertThat(full.first()).isEqualTo("a"));
        assertThat(get(places().holders("mail"))).containsExactly("a", "b");
        assertThat(Long.parseLong(redis.command("PTTL", PLACES))).isBetween(1L, HOUR.toMillis());
    }
}

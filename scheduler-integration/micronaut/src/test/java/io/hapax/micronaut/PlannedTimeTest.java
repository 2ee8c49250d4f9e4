package io.hapax.micronaut;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.ZonedDateTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which planned time a firing has, from what the clock says when it fires. */
class PlannedTimeTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // At the time, late, and late by almost a period.
                "0 0 3 * * *    | 2026-03-10T03:00:00Z          | 2026-03-10T03:00:00Z",
                "0 0 3 * * *    | 2026-03-10T03:00:00.001Z      | 2026-03-10T03:00:00Z",
                "0 0 3 * * *    | 2026-03-10T09:30:00Z          | 2026-03-10T03:00:00Z",
                "0 0 3 * * *    | 2026-03-11T02:58:59Z          | 2026-03-10T03:00:00Z",
                // Early, because the clock was set back: by a minute, or a tenth of the period, at most.
                "0 0 3 * * *    | 2026-03-11T02:59:00Z          | 2026-03-11T03:00:00Z",
                "0 0 3 * * *    | 2026-03-11T02:59:59.999Z      | 2026-03-11T03:00:00Z",
                "0 * * * * *    | 2026-03-10T03:00:54Z          | 2026-03-10T03:01:00Z",
                "0 * * * * *    | 2026-03-10T03:00:53.999Z      | 2026-03-10T03:00:00Z",
                "* * * * * *    | 2026-03-10T03:00:00.899Z      | 2026-03-10T03:00:00Z",
                "* * * * * *    | 2026-03-10T03:00:00.900Z      | 2026-03-10T03:00:01Z",
                // Rare ones, and those whose times are not evenly apart.
                "0 0 0 1 1 *    | 2026-11-29T12:00:00Z          | 2026-01-01T00:00:00Z",
                "0 0 0 29 2 *   | 2026-11-29T12:00:00Z          | 2024-02-29T00:00:00Z",
                "0 0 9,17 * * * | 2026-11-29T16:00:00Z          | 2026-11-29T09:00:00Z",
                "0 0 9 * * MON  | 2026-11-29T12:00:00Z          | 2026-11-23T09:00:00Z",
            })
    void a_firing_has_the_time_that_was_due_last_or_is_due_almost(String cron, String now, String planned) {
        assertThat(PlannedTime.of(cron, ZonedDateTime.parse(now))).contains(ZonedDateTime.parse(planned));
    }

    @Test
    void the_hour_that_is_set_back_has_two_firings_with_names_of_their_own() {
        ZonedDateTime first = ZonedDateTime.parse("2026-10-25T02:30:10+02:00[Europe/Berlin]");
        ZonedDateTime second = ZonedDateTime.parse("2026-10-25T02:30:10+01:00[Europe/Berlin]");
        assertThat(PlannedTime.of("0 */10 * * * *", first).orElseThrow().toInstant())
                .isEqualTo(first.minusSeconds(10).toInstant());
        assertThat(PlannedTime.of("0 */10 * * * *", second).orElseThrow().toInstant())
                .isEqualTo(second.minusSeconds(10).toInstant());
    }

    @Test
    void a_time_that_never_comes_has_no_name() {
        assertThat(PlannedTime.of("0 0 0 30 2 *", ZonedDateTime.parse("2026-11-29T12:00:00Z")))
                .isEmpty();
    }
}

package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunOptionsTest {

    @ParameterizedTest
    @CsvSource({"500ms,PT0.5S", "30s,PT30S", "5m,PT5M", "24h,PT24H", "7d,PT168H", "PT1M30S,PT1M30S", "' 2 s ',PT2S"})
    void durations_are_read_as_people_write_them(String text, Duration expected) {
        assertThat(RunOptions.DEFAULTS.with("ttl", text).ttl()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"30", "-30s", "PT-30S", "soon", "30 sec", "99999999999999999s"})
    void a_wrong_duration_is_refused_and_the_message_shows_how_to_write_it(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunOptions.DEFAULTS.with("waitTimeout", text))
                .withMessageContaining("setting waitTimeout");
    }

    @Test
    void enum_values_are_read_in_any_case_and_wrong_ones_are_answered_with_the_allowed_ones() {
        assertThat(RunOptions.DEFAULTS.with("whenUnavailable", "fail-open").whenUnavailable())
                .isEqualTo(WhenUnavailable.FAIL_OPEN);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunOptions.DEFAULTS.with("onConflict", "ignore"))
                .withMessage(
                        "setting onConflict: 'ignore' is not known; allowed are [AUTO, SKIP, RESCHEDULE, WAIT, FAIL]");
    }

    @Test
    void an_unknown_name_is_answered_with_the_known_ones() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunOptions.DEFAULTS.with("leaseTime", "30s"))
                .withMessageContaining("unknown setting 'leaseTime'")
                .withMessageContaining(RunOptions.NAMES.toString());
    }

    @Test
    void every_listed_name_is_understood() {
        for (String name : RunOptions.NAMES) {
            String value = switch (name) {
                case "onConflict" -> "WAIT";
                case "onLeaseLost" -> "SIGNAL";
                case "whenUnavailable" -> "FAIL_OPEN";
                case "afterCrash" -> "ABANDON";
                default -> "77s";
            };
            assertThat(RunOptions.DEFAULTS.with(name, value)).isNotEqualTo(RunOptions.DEFAULTS);
        }
    }

    @Test
    void too_short_times_are_refused() {
        assertThatIllegalArgumentException().isThrownBy(() -> RunOptions.DEFAULTS.with("ttl", "99ms"));
        assertThatIllegalArgumentException().isThrownBy(() -> RunOptions.DEFAULTS.with("retention", "0"));
    }

    @Guarded(ttl = "5s", onConflict = OnConflict.FAIL, onLeaseLost = OnLeaseLost.SIGNAL)
    private static final class Job {}

    @Test
    void an_annotation_changes_what_it_names_and_nothing_else() {
        RunOptions options = RunOptions.DEFAULTS.with(Job.class.getAnnotation(Guarded.class));
        assertThat(options)
                .isEqualTo(RunOptions.DEFAULTS
                        .withTtl(Duration.ofSeconds(5))
                        .withOnConflict(OnConflict.FAIL)
                        .withOnLeaseLost(OnLeaseLost.SIGNAL));
    }
}

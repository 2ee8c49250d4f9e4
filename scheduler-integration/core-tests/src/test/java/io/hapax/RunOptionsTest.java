package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.policy.JobPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
                .withMessage("setting onConflict: 'ignore' is not known; allowed are [AUTO, SKIP, RESCHEDULE, WAIT,"
                        + " FAIL, BUFFER_ONE, CANCEL_OTHER, ALLOW]");
    }

    @Test
    void an_unknown_name_is_answered_with_the_known_ones() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunOptions.DEFAULTS.with("leaseTime", "30s"))
                .withMessageContaining("unknown setting 'leaseTime'")
                .withMessageContaining(Setting.names().toString());
    }

    @Test
    void every_listed_name_is_understood() {
        for (String name : Setting.names()) {
            String value = switch (name) {
                case "onConflict" -> "WAIT";
                case "onLeaseLost" -> "SIGNAL";
                case "onFailure" -> "RELEASE";
                case "whenUnavailable" -> "FAIL_OPEN";
                case "afterCrash" -> "ABANDON";
                case "concurrency" -> "3";
                case "throttle" -> "3/1m";
                case "mode" -> "UNTIL_EXECUTED";
                case "observe" -> "true";
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
        RunOptions options = JobPolicy.of(
                        RunOptions.DEFAULTS, List.of(Job.class.getAnnotation(Guarded.class)), key -> key)
                .options();
        assertThat(options)
                .isEqualTo(RunOptions.DEFAULTS
                        .withTtl(Duration.ofSeconds(5))
                        .withOnConflict(OnConflict.FAIL)
                        .withOnLeaseLost(OnLeaseLost.SIGNAL));
    }

    @ParameterizedTest
    @CsvSource({
        "concurrency=3 onConflict=BUFFER_ONE, use SKIP",
        "concurrency=3 onConflict=CANCEL_OTHER, use SKIP",
        "concurrency=3 onConflict=ALLOW, leave out one",
        "mode=UNTIL_EXECUTING concurrency=2, use UNTIL_AND_WHILE_EXECUTING",
        "mode=UNTIL_EXECUTING onConflict=BUFFER_ONE, use UNTIL_AND_WHILE_EXECUTING",
        "mode=UNTIL_EXECUTED onConflict=ALLOW, use UNTIL_EXECUTING",
        "whenUnavailable=LEDGER_ONLY throttle=1/1m, use FAIL_CLOSED",
        "whenUnavailable=LEDGER_ONLY concurrency=2, use FAIL_CLOSED"
    })
    void settings_that_contradict_each_other_are_refused_with_what_to_do(String settings, String mend) {
        RunOptions options = RunOptions.DEFAULTS;
        for (String setting : settings.split(" ")) {
            options = options.with(setting.split("=")[0], setting.split("=")[1]);
        }
        RunOptions both = options;
        assertThatIllegalArgumentException()
                .isThrownBy(both::requireConsistent)
                .withMessageContaining("contradict each other")
                .withMessageContaining(settings.split(" ")[0].split("=")[0] + "=")
                .withMessageContaining(mend);
    }

    @ParameterizedTest
    @CsvSource({
        "concurrency, 0, from 1 to 100",
        "concurrency, 101, from 1 to 100",
        "concurrency, many, not a whole number",
        "throttle, 3, write 3/1m",
        "throttle, 0/1m, from 1 to 10000",
        "throttle, 3/0, from 1 to 10000",
        "throttle, 3/soon, not a duration",
        "throttle, 1/400d, from 1 to 10000",
        "uniqueFor, 0, from 1ms to 366d",
        "mode, UNTIL_DONE, allowed are [WHILE_EXECUTING",
        "onConflict, QUEUE, allowed are [AUTO"
    })
    void values_out_of_range_are_refused_with_what_is_allowed(String name, String value, String allowed) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunOptions.DEFAULTS.with(name, value))
                .withMessageContaining("setting " + name)
                .withMessageContaining(allowed);
    }

    @Test
    void a_layer_takes_the_place_of_what_the_layers_below_say_in_another_way() {
        RunOptions below = RunOptions.DEFAULTS.with(Map.of("onConflict", "WAIT", "throttle", "1/1m"));
        RunOptions above = below.with(Map.of("onConflict", "BUFFER_ONE", "throttle", "3/1m"));
        assertThat(above.onConflict()).isEqualTo(OnConflict.BUFFER_ONE);
        assertThat(above.throttle()).isEqualTo(new Throttle(3, Duration.ofMinutes(1)));
        above.requireConsistent();
        above.with(Map.of("onConflict", "FAIL", "throttle", "1/2m")).requireConsistent();
    }
}

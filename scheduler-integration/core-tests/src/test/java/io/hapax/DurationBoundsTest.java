package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.event.RunOutcome;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each duration among the options has bounds within which stores, clocks and our own arithmetic can count. */
class DurationBoundsTest {

    static List<String> durations() {
        return Setting.ALL.stream()
                .filter(setting -> setting.type() == Duration.class)
                .<String>map(Setting::name)
                .toList();
    }

    private static RunOptions with(String name, Duration value) throws Exception {
        Method wither = RunOptions.class.getMethod(
                "with" + Character.toUpperCase(name.charAt(0)) + name.substring(1), Duration.class);
        try {
            return (RunOptions) wither.invoke(RunOptions.DEFAULTS, value);
        } catch (InvocationTargetException e) {
            throw (Exception) e.getCause();
        }
    }

    @ParameterizedTest
    @MethodSource("durations")
    void what_is_out_of_bounds_is_refused_by_name_with_what_is_allowed(String name) {
        for (Duration wrong : List.of(
                Duration.ofMillis(Long.MAX_VALUE),
                Duration.ofSeconds(Long.MAX_VALUE),
                Duration.ofMillis(-1),
                Duration.ofSeconds(Long.MIN_VALUE))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> with(name, wrong))
                    .withMessageStartingWith("setting " + name + ": must be from ")
                    .withMessageEndingWith("d, was " + wrong);
        }
    }

    @ParameterizedTest
    @MethodSource("durations")
    void with_the_longest_one_a_run_begins_and_completes(String name) throws Exception {
        ManualTicker ticker = new ManualTicker();
        RunOptions options = with(
                name,
                name.equals("retention") || name.endsWith("Timeout") || name.equals("maxHold")
                        ? Duration.ofDays(36_500)
                        : Duration.ofDays(366));
        try (JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(ticker))
                .ticker(ticker)
                .ledger(new InMemoryRunLedger(ticker))
                .build()) {
            RunRequest request = RunRequest.lock("k").once("o").tune(defaults -> options);
            assertThat(guard.run(request, run -> run.isHeld()))
                    .isEqualTo(new RunResult.Ran<>(true, RunOutcome.COMPLETED));
        }
    }
}

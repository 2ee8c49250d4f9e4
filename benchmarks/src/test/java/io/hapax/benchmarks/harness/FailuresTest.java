package io.hapax.benchmarks.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FailuresTest {

    private final Failures failures = new Failures();

    @Test
    void one_that_fails_costs_no_other_one_and_is_named_at_the_end() throws Exception {
        AtomicInteger measured = new AtomicInteger();
        failures.note("first", () -> {
            throw new IllegalStateException("no server");
        });
        failures.note("second", measured::incrementAndGet);
        assertThat(measured).hasValue(1);
        assertThatThrownBy(failures::report)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("first: no server")
                .hasMessageNotContaining("second");
    }

    @Test
    void nothing_is_reported_where_all_could_be_measured() throws Exception {
        failures.note("first", () -> {});
        assertThatCode(failures::report).doesNotThrowAnyException();
    }

    @Test
    void an_interrupt_ends_the_measurement() {
        assertThatThrownBy(() -> failures.note("first", () -> {
                    throw new InterruptedException();
                }))
                .isInstanceOf(InterruptedException.class);
    }
}

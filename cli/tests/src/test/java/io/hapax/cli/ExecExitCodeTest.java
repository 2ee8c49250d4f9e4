package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.Verdict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a refusal of {@code hapax exec} is for the program that started it. */
class ExecExitCodeTest {

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"UNAVAILABLE", "ABANDONED"})
    void a_refusal_counts_as_success_with_skip_ok_only(Verdict verdict) {
        assertThat(ExecCommand.exitCode(verdict, false)).isEqualTo(ExitCodes.REFUSED);
        assertThat(ExecCommand.exitCode(verdict, true)).isEqualTo(ExitCodes.FINE);
    }

    @Test
    void an_abandoned_occurrence_never_counts_as_success() {
        assertThat(ExecCommand.exitCode(Verdict.ABANDONED, false)).isEqualTo(ExitCodes.REFUSED);
        assertThat(ExecCommand.exitCode(Verdict.ABANDONED, true)).isEqualTo(ExitCodes.REFUSED);
    }

    @Test
    void a_silent_store_never_counts_as_success() {
        assertThat(ExecCommand.exitCode(Verdict.UNAVAILABLE, false)).isEqualTo(ExitCodes.STORE_SILENT);
        assertThat(ExecCommand.exitCode(Verdict.UNAVAILABLE, true)).isEqualTo(ExitCodes.STORE_SILENT);
    }
}

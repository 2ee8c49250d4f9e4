package io.hapax.examples.records;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class SharedRecordTest {

    @Test
    void no_change_is_lost_and_a_stale_writer_is_refused() throws Exception {
        SharedRecord.Outcome outcome = SharedRecord.run();
        assertThat(outcome.lostGuarded()).isZero();
        assertThat(outcome.lostUnguarded()).isPositive();
        assertThat(outcome.staleRefused()).isTrue();
    }
}

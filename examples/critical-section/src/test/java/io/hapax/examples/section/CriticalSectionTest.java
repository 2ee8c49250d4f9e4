package io.hapax.examples.section;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class CriticalSectionTest {

    @Test
    void services_take_turns_and_a_person_can_end_a_wait() throws Exception {
        CriticalSection.Outcome outcome = CriticalSection.run();
        assertThat(outcome.rebuilds()).isEqualTo(20);
        assertThat(outcome.mostAtOnce()).isEqualTo(1);
        assertThat(outcome.gaveUp()).isTrue();
        assertThat(outcome.holder()).startsWith("catalogue-service, since 20");
        assertThat(outcome.afterForce()).isTrue();
    }
}

package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.RunOutcome;
import org.junit.jupiter.api.Test;

class OwnTestsTest {

    @Test
    void a_second_replica_is_refused() throws Exception {
        assertThat(OwnTests.sentByTwoReplicas()).isEqualTo("refused: DONE");
    }

    @Test
    void a_run_that_nobody_renews_is_lost() throws Exception {
        assertThat(OwnTests.notRenewed()).isEqualTo("lost: NOT_RENEWED");
        assertThat(OwnTests.renewed()).isEqualTo(RunOutcome.COMPLETED);
    }
}

package io.hapax.benchmarks.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ArgumentsTest {

    @Test
    void an_argument_that_nobody_knows_is_refused_with_those_that_there_are() {
        Arguments arguments = Arguments.of(new String[] {"--quick", "--sed=42"});
        assertThatIllegalArgumentException()
                .isThrownBy(() -> arguments.only("quick", "seed"))
                .withMessage("there is no argument --sed; there are --quick, --seed");
        assertThat(arguments.only("quick", "sed").value("sed")).contains("42");
    }
}

package io.hapax.benchmarks.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
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

    @Test
    void a_value_that_there_is_not_is_refused_with_those_that_there_are() {
        List<String> all = List.of("quartz-ram", "jobrunr");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        Arguments.of(new String[] {"--engines=jobrunr,quartz"}).someOf("engines", all))
                .withMessage("--engines has 'quartz'; there are quartz-ram, jobrunr");
        assertThat(Arguments.of(new String[] {"--engines=jobrunr"}).someOf("engines", all))
                .containsExactly("jobrunr");
        assertThat(Arguments.of(new String[0]).someOf("engines", all)).isEqualTo(all);
    }
}

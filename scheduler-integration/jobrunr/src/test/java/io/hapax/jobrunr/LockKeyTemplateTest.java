package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.JobParameter;
import org.jobrunr.jobs.context.JobContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LockKeyTemplateTest {

    record Address(String city) {}

    static class Person {
        private final int age = 42;

        public Address getAddress() {
            return new Address("Gent");
        }

        public boolean isAdult() {
            return true;
        }

        public String broken() {
            throw new IllegalStateException("no luck");
        }
    }

    static final class Child extends Person {}

    private static Job job(Object... arguments) {
        List<JobParameter> parameters = new ArrayList<>();
        for (Object argument : arguments) {
            parameters.add(
                    argument == null
                            ? new JobParameter(String.class.getName(), String.class.getName(), null)
                            : new JobParameter(argument));
        }
        return new Job(new JobDetails("com.acme.Service", null, "send", parameters));
    }

    private static String fill(String template, Object... arguments) {
        return LockKeyTemplate.fill(template, job(arguments));
    }

    @Test
    void arguments_are_filled_in_one_pass() {
        Object[] eleven = {"%1", "b", 2, 3, 4, 5, 6, 7, 8, 9, "eleventh"};

        assertThat(fill("k/%0/%10/%1", eleven)).isEqualTo("k/%1/eleventh/b");
        assertThat(fill("plain")).isEqualTo("plain");
        assertThat(fill("100%%-%0-$1", "a")).isEqualTo("100%-a-$1");
    }

    @ParameterizedTest
    @CsvSource({
        "%0.address.city, Gent",
        "%0.age, 42",
        "%0.adult/%0.address, true/Address[city=Gent]",
    })
    void properties_are_getters_components_and_fields_also_inherited_ones(String template, String key) {
        assertThat(fill(template, new Person())).isEqualTo(key);
        assertThat(fill(template, new Child())).isEqualTo(key);
    }

    @Test
    void properties_of_a_map_are_its_entries() {
        assertThat(fill("%0.id", Map.of("id", 5))).isEqualTo("5");
    }

    @Test
    void mdc_values_come_from_the_enqueuing_thread() {
        Job job = job("a");
        job.getMetadata().put("mdc-tenant", "acme");
        job.getMetadata().put("mdc-region", "eu");

        assertThat(LockKeyTemplate.fill("%X{tenant}/%X{region}/%0", job)).isEqualTo("acme/eu/a");
        assertThatThrownBy(() -> LockKeyTemplate.fill("%X{user}", job))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'%X{user}' has no value: the MDC had no 'user' when the job was enqueued");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "%1            | has no value: the job has 1 arguments, counted from %0",
                "%99999999999  | has no value: the job has 1 arguments, counted from %0",
                "%0.name       | cannot be read: a io.hapax.jobrunr.LockKeyTemplateTest$Person has no record component",
                "%0.broken     | cannot be read: reading 'broken' of a io.hapax.jobrunr.LockKeyTemplateTest$Person threw",
                "%0            | has no text that is alike on all workers",
                "50% off       | is not a placeholder",
                "%X            | is not a placeholder",
            })
    void what_has_no_value_is_refused_with_the_reason(String template, String reason) {
        assertThatThrownBy(() -> fill(template, new Person()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("@Guarded(key = \"" + template + "\") on com.acme.Service.send: '")
                .hasMessageContaining(reason)
                .hasMessageEndingWith("%0.property, %X{name} (from the MDC) and %% (a percent sign)");
    }

    @Test
    void null_the_job_context_and_arrays_are_refused() {
        assertThatThrownBy(() -> fill("%0", new Object[] {null})).hasMessageContaining("argument 0 is null");
        assertThatThrownBy(() -> fill("%0", JobContext.Null)).hasMessageContaining("argument 0 is the job context");
        assertThatThrownBy(() -> fill("%0", (Object) new int[] {1})).hasMessageContaining("int[] has no toString");
    }
}

package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.policy.KeyTemplate;
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
        return fill(template, job(arguments));
    }

    /** As {@link JobKeys} does. */
    private static String fill(String template, Job job) {
        return KeyTemplate.parse(template, JobValues.SYNTAX).fill(new JobValues(job));
    }

    @Test
    void arguments_are_filled_in_one_pass() {
        Object[] eleven = {"%1", "b", 2, 3, 4, 5, 6, 7, 8, 9, "eleventh"};

        assertThat(fill("k/%0/%10/%1", eleven)).isEqualTo("k/%251/eleventh/b");
        assertThat(fill("plain")).isEqualTo("plain");
        assertThat(fill("100%%-%0-$1", "a")).isEqualTo("100%%-a-$1");
    }

    @ParameterizedTest
    @CsvSource({
        "%0.address.city, Gent",
        "%0.age, 42",
        "%0.adult/%0.address, true/io.hapax.jobrunr.LockKeyTemplateTest$Address{city=Gent}",
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
    void different_arguments_make_different_keys() {
        assertThat(fill("pair/%0/%1", "a/b", "c")).isNotEqualTo(fill("pair/%0/%1", "a", "b/c"));
        assertThat(fill("k/%0", Map.of("b", 1, "a", 2))).isEqualTo("k/{a=2,b=1}");
        assertThat(fill("k/%0", List.of(List.of("x"), "y"))).isEqualTo("k/[[x],y]");
        assertThatThrownBy(() -> fill("k/%0", List.of(new Person()))).hasMessageContaining("such as %0.id");
    }

    /** The class of a job. */
    public static class Service {
        /** Called by its name. */
        public void send(String customer, int number) {}
    }

    @Test
    void parameters_have_names() {
        List<JobParameter> parameters = List.of(new JobParameter("c-1"), new JobParameter(int.class, 7));
        Job job = new Job(new JobDetails(Service.class.getName(), null, "send", parameters));

        assertThat(fill("n/%{number}/%{customer}", job)).isEqualTo("n/7/c-1");
        assertThatThrownBy(() -> fill("n/%{nobody}", job))
                .hasMessageContaining("nothing is called 'nobody'; there are [customer, number]");
    }

    @Test
    void mdc_values_come_from_the_enqueuing_thread() {
        Job job = job("a");
        job.getMetadata().put("mdc-tenant", "acme");
        job.getMetadata().put("mdc-region", "eu");

        assertThat(fill("%X{tenant}/%X{region}/%0", job)).isEqualTo("acme/eu/a");
        assertThatThrownBy(() -> fill("%X{user}", job))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("%X{user} has no value: the logging context has no 'user'");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "%1            | %1 has no value: there is 1 argument, %0",
                "%99999999999  | %99999999999 has no value: there is 1 argument, %0",
                "%0.name       | a io.hapax.jobrunr.LockKeyTemplateTest$Person has no record component, getter or field",
                "%0.broken     | reading 'broken' of a io.hapax.jobrunr.LockKeyTemplateTest$Person threw",
                "%0            | has no text that is the same in every JVM. Use a property of it, such as %0.id",
                "50% off       | is not a placeholder",
                "%X            | is not a placeholder",
                "#{1}          | #{1} is an expression, which a JobRunr job does not have. Use %0 for an argument",
            })
    void what_has_no_value_is_refused_with_the_reason(String template, String reason) {
        assertThatThrownBy(() -> fill(template, new Person()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("key '" + template + "': ")
                .hasMessageContaining(reason);
    }

    @Test
    void null_and_the_job_context_are_refused() {
        assertThatThrownBy(() -> fill("%0", new Object[] {null})).hasMessageContaining("%0 has no value: it is null");
        assertThatThrownBy(() -> fill("%0", JobContext.Null))
                .hasMessageContaining("has no text that is the same in every JVM");
        assertThat(fill("%0", (Object) new int[] {1})).isEqualTo("[1]");
    }
}

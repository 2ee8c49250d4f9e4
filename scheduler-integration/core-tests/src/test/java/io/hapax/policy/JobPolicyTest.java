package io.hapax.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.RunOptions;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Nearest wins, for each setting by itself. */
class JobPolicyTest {

    private static JobPolicy<String> policy(Class<?> job, String method, Class<?>... parameters) {
        try {
            return JobPolicy.of(
                    RunOptions.DEFAULTS, GuardedAnnotations.of(job, job.getMethod(method, parameters)), key -> key);
        } catch (NoSuchMethodException missing) {
            throw new IllegalStateException(missing);
        }
    }

    @Guarded(ttl = "1s", maxHold = "1h", key = "interface")
    interface Contract {
        @Guarded(waitTimeout = "3s", retention = "3h")
        void work();
    }

    @Guarded(ttl = "2s", key = "superclass", mode = LockMode.UNTIL_EXECUTED)
    static class Superclass {
        @Guarded(waitTimeout = "2s")
        public void work() {}
    }

    @Guarded(ttl = "4s", ignoreArguments = true)
    static class Layered extends Superclass implements Contract {
        @Override
        @Guarded(onConflict = OnConflict.FAIL)
        public void work() {}
    }

    @Test
    void each_setting_is_taken_from_the_nearest_layer_that_has_it() {
        JobPolicy<String> policy = policy(Layered.class, "work");
        assertThat(policy.options())
                .isEqualTo(RunOptions.DEFAULTS
                        .withOnConflict(OnConflict.FAIL)
                        .withWaitTimeout(Duration.ofSeconds(2))
                        .withRetention(Duration.ofHours(3))
                        .withTtl(Duration.ofSeconds(4))
                        .withMode(LockMode.UNTIL_EXECUTED)
                        .withMaxHold(Duration.ofHours(1)));
        assertThat(policy.key()).isEqualTo("superclass");
        assertThat(policy.ignoresArguments()).as("said by the nearest").isFalse();
    }

    @Test
    void entries_of_the_job_are_nearest() {
        JobPolicy<String> policy =
                policy(Layered.class, "work").with(Map.of("ttl", "9s", "concurrency", "2"), "of the job", "once", null);
        assertThat(policy.options().ttl()).isEqualTo(Duration.ofSeconds(9));
        assertThat(policy.options().concurrency()).isEqualTo(2);
        assertThat(policy.options().maxHold()).isEqualTo(Duration.ofHours(1));
        assertThat(policy.key()).isEqualTo("of the job");
        assertThat(policy.once()).isEqualTo("once");
        assertThat(policy.with(Map.of(), null, null, false).isEnabled()).isFalse();
        assertThat(policy.with(Map.of(), null, null, null)).isSameAs(policy);
    }

    @Retention(RetentionPolicy.RUNTIME)
    @Guarded(ttl = "5s", key = "composed")
    @interface Nightly {}

    @Retention(RetentionPolicy.RUNTIME)
    @Nightly
    @Guarded(retention = "7d")
    @interface NightlyReport {}

    static class Composed {
        @NightlyReport
        public void work() {}

        @NightlyReport
        @Guarded(key = "itself")
        public void both() {}
    }

    @Test
    void a_composed_annotation_counts_after_the_annotation_itself() {
        assertThat(policy(Composed.class, "work").options())
                .isEqualTo(RunOptions.DEFAULTS.withTtl(Duration.ofSeconds(5)).withRetention(Duration.ofDays(7)));
        assertThat(policy(Composed.class, "work").key()).isEqualTo("composed");
        assertThat(policy(Composed.class, "both").key()).isEqualTo("itself");
    }

    @Retention(RetentionPolicy.RUNTIME)
    @Circular
    @Guarded(ttl = "6s")
    @interface Circular {}

    @Circular
    static class WithoutMethod {}

    @Test
    void annotations_that_are_composed_of_themselves_end() {
        assertThat(GuardedAnnotations.of(WithoutMethod.class, null)).hasSize(1);
    }

    @Guarded(enabled = false, ttl = "3s")
    static class Disabled {
        public void plain() {}

        @Guarded
        public void enabledAgain() {}
    }

    @Test
    void whether_a_job_is_guarded_is_said_by_the_nearest_annotation() {
        assertThat(policy(Disabled.class, "plain").isEnabled()).isFalse();
        assertThat(policy(Disabled.class, "enabledAgain").isEnabled()).isTrue();
        assertThat(policy(Disabled.class, "enabledAgain").options().ttl()).isEqualTo(Duration.ofSeconds(3));
    }

    static class Wrong {
        @Guarded(ttl = "soon")
        public void duration() {}

        @Guarded(onConflict = {OnConflict.WAIT, OnConflict.FAIL})
        public void two() {}
    }

    @Test
    void a_wrong_value_is_refused_by_name() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> policy(Wrong.class, "duration"))
                .withMessageContaining("setting ttl: 'soon'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> policy(Wrong.class, "two"))
                .withMessage("setting onConflict: write one value, not 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> policy(Disabled.class, "plain").with(Map.of("leaseTime", "1s"), null, null, null))
                .withMessageContaining("unknown setting 'leaseTime'");
    }

    @ParameterizedTest
    @EnumSource(OnConflict.class)
    void a_policy_needs_a_key_unless_it_is_about_none(OnConflict policy) {
        JobPolicy<String> byDefault = JobPolicy.of(RunOptions.DEFAULTS.withOnConflict(policy), List.of(), key -> key);
        boolean needs = policy != OnConflict.AUTO && policy != OnConflict.ALLOW;
        assertThat(byDefault.needsKey()).isEqualTo(needs);
        assertThat(byDefault.needsOwnKey()).isEqualTo(policy.isAboutOthers());
        JobPolicy<String> own = byDefault.with(Map.of("onConflict", policy.name()), null, null, null);
        assertThat(own.needsOwnKey()).isEqualTo(needs);
        assertThat(own.needingKey()).isEqualTo("onConflict=" + policy);
    }
}

package io.hapax.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.Guarded;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.reflect.Method;
import org.junit.jupiter.api.Test;

class GuardedPlacementTest {

    @Guarded(ttl = "10s")
    @Retention(RetentionPolicy.RUNTIME)
    @interface Nightly {}

    @Nightly
    @Retention(RetentionPolicy.RUNTIME)
    @interface Deep {}

    /** Annotated with itself, as some are. */
    @Circular
    @Retention(RetentionPolicy.RUNTIME)
    @interface Circular {}

    interface Port {
        @Guarded
        default void ofPort() {}
    }

    interface Wide extends Port {}

    static class Base<T> {
        @Nightly
        private void ofBase() {}

        @Guarded
        void generic(T value) {}
    }

    static class Job extends Base<String> implements Wide {
        @Deep
        static void own() {}

        @Guarded(enabled = false)
        void off() {}

        @Circular
        @Deprecated
        void plain() {}

        @Override
        void generic(String value) {}
    }

    @Test
    void methods_are_found_wherever_they_are_and_however_they_are_annotated() {
        assertThat(GuardedPlacement.methods(Job.class))
                .extracting(Method::getName)
                .containsExactlyInAnyOrder("own", "ofBase", "generic", "ofPort");
        assertThat(GuardedPlacement.methods(Object.class)).isEmpty();
    }

    @Test
    void a_method_that_is_not_reached_is_named_with_the_way_out() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuardedPlacement.requireReached(
                        Job.class, method -> !method.getName().equals("ofPort"), "put it on the class"))
                .withMessage(
                        "@Guarded on " + Port.class.getName() + ".ofPort guards nothing there: put it on the class");
        assertThatCode(() -> GuardedPlacement.requireReached(Job.class, method -> true, "never"))
                .doesNotThrowAnyException();
    }
}

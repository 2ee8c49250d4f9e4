package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.spring.test.InMemoryHapax;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.core.annotation.AliasFor;

class MethodKeysTest {

    record Order(String id, int amount) {}

    /** Named as another one is. */
    public static class CleanupJob {
        @Guarded
        public String run() {
            return CurrentRun.get().identity().toString();
        }
    }

    static class Elsewhere {
        /** Named as another one is. */
        public static class CleanupJob {
            @Guarded
            public String run() {
                return CurrentRun.get().identity().toString();
            }
        }
    }

    @Test
    void beans_and_classes_that_are_called_alike_have_keys_of_their_own() {
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
                .withUserConfiguration(InMemoryHapax.Store.class)
                .withBean("daily", CleanupJob.class)
                .withBean("nightly", CleanupJob.class)
                .withBean("elsewhere", Elsewhere.CleanupJob.class)
                .run(context -> {
                    CleanupJob daily = context.getBean("daily", CleanupJob.class);
                    CleanupJob nightly = context.getBean("nightly", CleanupJob.class);
                    String type = CleanupJob.class.getName();
                    assertThat(daily.run()).isEqualTo("lock daily/" + type + ".run()");
                    assertThat(nightly.run()).isEqualTo("lock nightly/" + type + ".run()");
                    assertThat(context.getBean("elsewhere", Elsewhere.CleanupJob.class)
                                    .run())
                            .isEqualTo("lock elsewhere/" + Elsewhere.CleanupJob.class.getName() + ".run()");
                });
    }

    /** Says for which work a method is. */
    public interface Imports {
        /** @param file which one */
        @Guarded(key = "import/%0")
        String run(String file);
    }

    /** A composed annotation, with an attribute of its own. */
    @Retention(RetentionPolicy.RUNTIME)
    @Guarded(retention = "7d")
    public @interface Weekly {
        /** @return the time to live of a lease */
        @AliasFor(annotation = Guarded.class, attribute = "ttl")
        String lives() default "";
    }

    static class FileImports implements Imports {
        @Override
        @Weekly(lives = "7s")
        public String run(String file) {
            return CurrentRun.get().identity() + " "
                    + CurrentRun.get().lease().orElseThrow().ttl();
        }
    }

    @Test
    void what_an_annotation_leaves_out_is_taken_from_the_method_that_is_implemented() {
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
                .withUserConfiguration(InMemoryHapax.Store.class)
                .withBean(FileImports.class)
                .run(context ->
                        assertThat(context.getBean(Imports.class).run("a")).isEqualTo("lock import/a PT7S"));
    }

    @Test
    void overloaded_methods_have_keys_of_their_own() throws Exception {
        BeanMethod one = new BeanMethod("bean", String.class, String.class.getMethod("indexOf", String.class));
        BeanMethod other = new BeanMethod("bean", String.class, String.class.getMethod("indexOf", int.class));
        assertThat(one.key()).isEqualTo("bean/java.lang.String.indexOf(java.lang.String)");
        assertThat(other.key()).isEqualTo("bean/java.lang.String.indexOf(int)");
    }

    @SuppressWarnings("unused") // whose keys are worked out
    static void method(Order order, @Nullable Object any) {}

    private static String key(String template, @Nullable Object... arguments) {
        var method = Arrays.stream(MethodKeysTest.class.getDeclaredMethods())
                .filter(each -> each.getName().equals("method"))
                .findFirst()
                .orElseThrow();
        return KeyExpression.parse(template, method).value(null, arguments);
    }

    @Test
    void arguments_have_a_position_a_name_and_expressions() {
        Order order = new Order("a/7", 3);
        assertThat(Stream.of("o/%0.id", "o/%{order}.id", "o/#{#order.id}", "o/#{#a0.id()}"))
                .allSatisfy(template -> assertThat(key(template, order, null)).isEqualTo("o/a%2F7"));
        assertThat(key("sum/#{ {#order.amount, 4} }", order, null)).isEqualTo("sum/[3,4]");
        assertThat(key("any/%1", order, List.of(1, "b"))).isEqualTo("any/[1,b]");
    }

    @Test
    void a_name_that_no_parameter_has_is_found_out_at_the_start() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("o/%{ordr}"))
                .withMessage("key 'o/%{ordr}': no parameter is called 'ordr'; there are [order, any]");
    }

    @Test
    void an_object_without_a_text_of_its_own_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("any/%1", null, new Object()))
                .withMessageContaining("Use a property of it, such as %1.id");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> key("any/#{#any}", null, new Object()))
                .withMessageContaining("a java.lang.Object has no text that is the same in every JVM");
    }
}

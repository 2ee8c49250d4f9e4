package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OpenThingsTest {

    private final List<String> closed = new ArrayList<>();
    private final OpenThings open = new OpenThings();

    static List<Throwable> anything() {
        return List.of(
                new IllegalStateException("runtime"),
                new AssertionError("error"),
                new StackOverflowError(),
                new NoClassDefFoundError("error"),
                new Exception("checked"));
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void sneak(Throwable failure) throws E {
        throw (E) failure;
    }

    @ParameterizedTest
    @MethodSource("anything")
    void what_one_throws_leaves_no_other_open(Throwable failure) {
        open.add("first", closed::add);
        open.add("broken", broken -> OpenThingsTest.<RuntimeException>sneak(failure));
        open.add("last", closed::add);
        open.close();
        assertThat(closed).containsExactly("last", "first");
        open.close();
        assertThat(closed).hasSize(2);
    }

    @Test
    void an_interrupt_is_kept_and_takes_its_time_from_none_of_the_others() {
        open.add("first", first -> {
            TimeUnit.MILLISECONDS.sleep(1);
            closed.add(first);
        });
        open.add("interrupted", interrupted -> {
            throw new InterruptedException("meanwhile");
        });
        open.add("last", last -> {
            TimeUnit.MILLISECONDS.sleep(1);
            closed.add(last);
        });
        Thread.currentThread().interrupt();
        open.close();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(closed).containsExactly("last", "first");
    }
}

package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nobody shares a namespace without having said so. */
class NamespaceTest {

    private static final List<String> NOWHERE =
            List.of("redis://127.0.0.1:1", "redis://127.0.0.1:2", "redis://127.0.0.1:3");

    @Test
    void a_store_without_one_is_refused_with_what_to_set() {
        RedissonLeaseStore.Builder alone = RedissonLeaseStore.builder().url(NOWHERE.get(0));
        assertThatIllegalArgumentException()
                .isThrownBy(alone::build)
                .withMessageStartingWith("setting namespace: is not set")
                .withMessageContaining("billing-production");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> alone.examine(List.of()))
                .withMessageStartingWith("setting namespace: is not set");
        RedissonLeaseStore.Builder quorum = RedissonLeaseStore.builder();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> quorum.quorum(NOWHERE))
                .withMessageStartingWith("setting namespace: is not set");
    }

    @ParameterizedTest
    @ValueSource(strings = {"default", "quartzScheduler", "QuartzScheduler", "DefaultQuartzScheduler"})
    void the_default_name_of_a_library_is_refused(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RedissonLeaseStore.builder()
                        .namespace(name)
                        .url(NOWHERE.get(0))
                        .build())
                .withMessageStartingWith("setting namespace: '" + name + "' is the default of a library");
    }
}

package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreProvider;
import io.hapax.testkit.EmbeddedRedis;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A store from an address and settings by name. */
class RedissonLeaseStoreProviderTest {

    private final RedissonLeaseStoreProvider provider = new RedissonLeaseStoreProvider();

    @ParameterizedTest
    @CsvSource({
        "redis://host,true",
        "rediss://host,true",
        "REDIS://host,true",
        "redis:host,false",
        "jdbc:redis://h,false"
    })
    void it_accepts_addresses_of_redis(String url, boolean accepted) {
        assertThat(provider.accepts(url)).isEqualTo(accepted);
    }

    @ParameterizedTest
    @CsvSource({"500ms,500", "2s,2000", "1m,60000", "' 3s ',3000", "PT0.25S,250"})
    void durations_are_short_or_iso(String text, long millis) {
        String url = EmbeddedRedis.shared().url();
        try (LeaseStore store = LeaseStoreProvider.openStore(
                url, Map.of("namespace", "redis-test", "answerTimeout", text, "lazy", "true"))) {
            assertThat(store.answerTimeout()).isEqualTo(Duration.ofMillis(millis));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "2", "2 sec", "-2s", "PT-2S", "2x", "99999999999999999999s", "0s"})
    void a_wrong_duration_is_refused_with_the_name_of_the_setting(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> provider.open(
                        "redis://127.0.0.1:1",
                        Map.of("namespace", "redis-test", "answerTimeout", text, "lazy", "true")))
                .withMessageContaining("answerTimeout");
    }

    @Test
    void unknown_names_and_wrong_flags_are_refused_with_what_is_allowed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> provider.open("redis://127.0.0.1:1", Map.of("nameSpace", "x")))
                .withMessageContainingAll(
                        "'nameSpace'", "namespace", "answerTimeout", "longestTtl", "firstStart", "lazy");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> provider.open("redis://127.0.0.1:1", Map.of("firstStart", "yes")))
                .withMessageContainingAll("firstStart", "'yes'", "2026-11-28T09:30:00Z");
    }
}

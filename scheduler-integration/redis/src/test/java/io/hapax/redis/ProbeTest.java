package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedRedis;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Which servers are refused at the start, and which are warned of. */
class ProbeTest {

    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @BeforeEach
    void listen() {
        lines.start();
        ((Logger) LoggerFactory.getLogger("io.hapax.redis")).addAppender(lines);
    }

    @AfterEach
    void stop() {
        ((Logger) LoggerFactory.getLogger("io.hapax.redis")).detachAppender(lines);
    }

    @ParameterizedTest
    @ValueSource(strings = {"6.2.14", "5.0", "", "unknown"})
    void an_old_server_is_refused(String version) {
        Probe probe = new Probe(version, "ab12", "0", "noeviction");
        assertThatThrownBy(() -> probe.check("host:1"))
                .isInstanceOf(LeaseStoreException.class)
                .hasMessageContainingAll("host:1", "'" + version + "'", "7.0 or newer");
    }

    @ParameterizedTest
    @ValueSource(strings = {"7.0.15", "7.2.4", "8.2", "10.0.0"})
    void a_recent_server_is_accepted(String version) {
        assertThatCode(() -> new Probe(version, "ab12", "0", "noeviction").check("host:1"))
                .doesNotThrowAnyException();
        assertThat(lines.list).isEmpty();
    }

    @Test
    void a_server_that_hides_its_run_id_is_refused() {
        assertThatThrownBy(() -> new Probe("7.2.4", "", "0", "noeviction").check("host:1"))
                .isInstanceOf(LeaseStoreException.class)
                .hasMessageContainingAll("host:1", "run_id");
    }

    @Test
    void a_server_that_may_evict_leases_is_warned_of_at_the_start() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")) {
            RedissonLeaseStore.builder().url(redis.url()).fresh(true).build().close();
        }
        assertThat(lines.list)
                .singleElement()
                .satisfies(
                        line -> assertThat(line.getFormattedMessage()).contains("allkeys-lru", "must be noeviction"));
    }

    @Test
    void a_bounded_server_that_never_evicts_is_fine() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--maxmemory", "100mb")) {
            for (String url : List.of(redis.url(), redis.url() + "/3")) {
                RedissonLeaseStore.builder().url(url).fresh(true).build().close();
            }
        }
        assertThat(lines.list).isEmpty();
    }
}

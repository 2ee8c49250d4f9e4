package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Commands that nobody has told a namespace. */
class NamespaceTest {

    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();

    @BeforeEach
    void begin() {
        assumeThat(System.getenv("HAPAX_NAMESPACE")).isNull();
        REDIS.command("FLUSHALL");
    }

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    private static void use(String namespace) {
        RedissonLeaseStore.builder()
                .url(REDIS.url())
                .namespace(namespace)
                .answerTimeout(Duration.ofSeconds(10))
                .firstStart(WallClock.now())
                .build()
                .close();
    }

    private static Answered hapax(String... arguments) {
        return Answered.by(arguments, new String[] {"--redis", REDIS.url()});
    }

    @Test
    void the_only_namespace_there_is_used_and_named() {
        use("shop");
        REDIS.command("SET", "hapax:{not a namespace:0}:m", "1");
        Answered list = hapax("locks", "list");
        assertThat(list.code()).isZero();
        assertThat(list.err()).isEqualTo("hapax: namespace shop, the only one there\n");
        assertThat(list.out()).contains("No such lease is held in namespace shop");
        JsonNode document = hapax("locks", "list", "--json").json();
        assertThat(document.get("namespace").asText()).isEqualTo("shop");
        assertThat(hapax("doctor", "--no-ledger").out()).contains("namespace shop: ");
    }

    @Test
    void of_several_namespaces_one_has_to_be_chosen() {
        use("shop");
        use("billing");
        for (String[] command : new String[][] {
            {"locks", "list"},
            {"locks", "show", "k"},
            {"pause", "k", "--reason", "test"},
            {"resume", "k"},
            {"watch", "--once"},
            {"doctor", "--no-ledger"},
            {"locks", "release", "k"}
        }) {
            Answered refused = hapax(command);
            assertThat(refused.code()).as(String.join(" ", command)).isEqualTo(2);
            assertThat(refused.out()).isEmpty();
            assertThat(refused.err())
                    .contains(
                            "there are several namespaces: billing, shop. Choose one with --namespace or HAPAX_NAMESPACE");
        }
        assertThat(hapax("locks", "list", "--namespace", "billing").code()).isZero();
    }

    @Test
    void where_nobody_has_worked_yet_only_the_doctor_has_something_to_say_and_nothing_is_written() {
        Answered list = hapax("locks", "list");
        assertThat(list.code()).isEqualTo(2);
        assertThat(list.err()).contains("no worker has used this server yet", "--namespace");
        Answered doctor = hapax("doctor", "--no-ledger");
        assertThat(doctor.prose()).contains("left out: settings of the workers, as no namespace was found");
        assertThat(REDIS.command("DBSIZE")).isEqualTo("0");
        Answered away = Answered.by("doctor", "--no-ledger", "--redis", "redis://127.0.0.1:1");
        assertThat(away.code()).isEqualTo(4);
    }

    @Test
    void a_program_is_run_in_no_namespace_that_was_only_found() {
        use("shop");
        Answered exec = Answered.by("exec", "--redis", REDIS.url(), "k", "--", "true");
        assertThat(exec.code()).isEqualTo(2);
        assertThat(exec.err()).contains("name the namespace of the workers");
    }
}

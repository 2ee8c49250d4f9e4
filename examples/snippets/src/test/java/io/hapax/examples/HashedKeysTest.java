package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.EmbeddedRedis;
import org.junit.jupiter.api.Test;

class HashedKeysTest {

    @Test
    void a_mail_is_sent_once_under_a_key_that_says_nothing_of_its_reader() throws Exception {
        String address = "jane." + System.nanoTime() + "@example.org";
        String redis = EmbeddedRedis.shared().url();
        KnownNamespace.on(redis, HashedKeys.NAMESPACE);
        assertThat(HashedKeys.sendOnce(redis, "0123456789abcdef", address)).matches("guarded as run h[0-9a-f]{40}");
        assertThat(HashedKeys.sendOnce(redis, "0123456789abcdef", address))
                .startsWith("not sent, DONE: completed by ")
                .doesNotContain("jane");
    }
}

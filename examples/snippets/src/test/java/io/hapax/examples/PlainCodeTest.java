package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.EmbeddedRedis;
import org.junit.jupiter.api.Test;

class PlainCodeTest {

    @Test
    void the_second_attempt_is_refused_because_the_first_has_completed() throws Exception {
        int invoice = (int) (System.nanoTime() & 0xFFFFFF);
        String redis = EmbeddedRedis.shared().url();
        KnownNamespace.on(redis);
        assertThat(PlainCode.sendOnce(redis, invoice)).startsWith("sent, fencing token ");
        assertThat(PlainCode.sendOnce(redis, invoice)).startsWith("not sent, DONE: completed by ");
    }
}

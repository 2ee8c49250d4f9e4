package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.redisson.client.RedisConnectionException;
import org.redisson.client.RedisException;

class RedisTroubleTest {

    private static String text(RedisException failure) {
        return RedisTrouble.of(failure).toString();
    }

    /** Redisson adds the channel, and the command with its arguments, among which a password may be. */
    @Test
    void what_redisson_adds_to_a_message_is_left_out() {
        String message =
                "NOPERM this user has no permissions to run the 'client|setname' command. channel: [id: 0x6e42ffae,"
                        + " L:/127.0.0.1:39614 - R:127.0.0.1/127.0.0.1:21565] command: (CLIENT SETNAME), params: [secret]";
        assertThat(text(new RedisException(message)))
                .startsWith(
                        "no permission: this user has no permissions to run the 'client|setname' command. Grant the user")
                .doesNotContain("channel")
                .doesNotContain("secret");
        assertThat(text(new RedisException("ERR unknown. channel: [x], params: [secret]")))
                .isEqualTo("ERR unknown");
    }

    @Test
    void wrappings_are_left_out_of_what_is_said() {
        RedisException unable = new RedisConnectionException("Unable to connect to Redis server: host/10.0.0.7:6379");
        assertThat(RedisTrouble.of(new RedisConnectionException(
                                "java.util.concurrent.ExecutionException: " + unable, new ExecutionException(unable)))
                        .toString())
                .isEqualTo("Unable to connect to Redis server: host/10.0.0.7:6379");
        assertThat(text(new RedisConnectionException("java.util.concurrent.ExecutionException: " + unable)))
                .isEqualTo("Unable to connect to Redis server: host/10.0.0.7:6379");
        assertThat(text(new RedisException("x", new IOException("Connection reset by peer"))))
                .startsWith("it closes connections");
        assertThat(RedisTrouble.of(new IllegalStateException("odd")).toString())
                .isEqualTo("IllegalStateException: odd");
    }
}

package io.hapax.redis;

import org.junit.jupiter.api.AfterEach;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

class TopicMessagesTest extends MessagesContract {

    private final RedissonClient client = client();

    private RedissonClient client() {
        Config config = new Config();
        config.useSingleServer().setAddress(redis.url());
        return Redisson.create(config);
    }

    @Override
    Messages open() {
        return new TopicMessages(Client.given(client), CHANNEL);
    }

    @AfterEach
    void shutDown() {
        client.shutdown();
    }
}

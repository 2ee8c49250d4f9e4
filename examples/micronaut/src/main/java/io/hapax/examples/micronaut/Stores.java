package io.hapax.examples.micronaut;

import io.hapax.lease.LeaseStore;
import io.hapax.redis.RedissonLeaseStore;
import io.micronaut.context.annotation.Bean;
import io.micronaut.context.annotation.Factory;
import io.micronaut.context.annotation.Property;
import io.micronaut.context.annotation.Value;
import jakarta.inject.Singleton;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Where the leases are. */
@Factory
class Stores {

    private final @Nullable Instant firstStart;

    Stores(@Nullable @Property(name = "shop.redis.first-start") Instant firstStart) {
        this.firstStart = firstStart;
    }

    // snippet:micronaut-store
    @Singleton
    @Bean(preDestroy = "close")
    LeaseStore leases(@Value("${shop.redis.url}") String url, @Value("${shop.redis.namespace}") String namespace) {
        return RedissonLeaseStore.builder()
                .url(url)
                .namespace(namespace)
                .firstStart(firstStart)
                .build();
    }
    // end
}

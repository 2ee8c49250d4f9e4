package io.hapax.spring;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** Application contexts of a test, each as if it were a replica; closed after it. */
final class Contexts implements AutoCloseable {

    private final String namespace = "spring-" + UUID.randomUUID();
    private final List<ConfigurableApplicationContext> open = new ArrayList<>();

    /** Time for a busy machine. No ttl of a replica may be shorter than five of it. */
    private static final String PATIENCE = "hapax.redis.answer-timeout=4s";

    /**
     * Starts a replica on a Redis, with the one property that it needs, one that declares the namespace new, and one that gives Redis
     * time.
     */
    ConfigurableApplicationContext replica(EmbeddedRedis redis, Class<?> application, String... more) {
        List<String> properties = new ArrayList<>(List.of(
                "spring.application.name=" + namespace,
                "hapax.redis.url=" + redis.url(),
                PATIENCE,
                "hapax.redis.first-start=" + WallClock.now()));
        properties.addAll(List.of(more));
        return start(application, properties.toArray(String[]::new));
    }

    ConfigurableApplicationContext start(Class<?> application, String... properties) {
        SpringApplication spring = new SpringApplicationBuilder(application)
                .web(WebApplicationType.NONE)
                .bannerMode(org.springframework.boot.Banner.Mode.OFF)
                .logStartupInfo(false)
                .properties(properties)
                .application();
        spring.setRegisterShutdownHook(false);
        ConfigurableApplicationContext context = spring.run();
        open.add(context);
        return context;
    }

    @Override
    public void close() {
        open.forEach(ConfigurableApplicationContext::close);
    }
}

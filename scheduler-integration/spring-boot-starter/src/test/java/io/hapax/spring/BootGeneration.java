package io.hapax.spring;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.util.ClassUtils;

/** Auto-configurations of Spring Boot under the names of the one on the class path: 4 has moved those of 3. */
enum BootGeneration {
    THREE(
            "org.springframework.boot.autoconfigure.jdbc.",
            "org.springframework.boot.autoconfigure.flyway.",
            "org.springframework.boot.autoconfigure.liquibase.",
            "org.springframework.boot.autoconfigure.data.redis.RedisConnectionDetails"),
    FOUR(
            "org.springframework.boot.jdbc.autoconfigure.",
            "org.springframework.boot.flyway.autoconfigure.",
            "org.springframework.boot.liquibase.autoconfigure.",
            "org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails");

    private final String jdbc;
    private final String flyway;
    private final String liquibase;
    private final String redisDetails;

    BootGeneration(String jdbc, String flyway, String liquibase, String redisDetails) {
        this.jdbc = jdbc;
        this.flyway = flyway;
        this.liquibase = liquibase;
        this.redisDetails = redisDetails;
    }

    static BootGeneration present() {
        return Arrays.stream(values())
                .filter(each -> ClassUtils.isPresent(each.jdbc + "DataSourceAutoConfiguration", null))
                .findFirst()
                .orElseThrow();
    }

    /** What a service connection says of Redis. */
    Class<?> redisConnectionDetails() {
        return ClassUtils.resolveClassName(redisDetails, null);
    }

    /** What a service connection says of a database. */
    Class<?> jdbcConnectionDetails() {
        return ClassUtils.resolveClassName(jdbc + "JdbcConnectionDetails", null);
    }

    /** That of the DataSource, and others. */
    static AutoConfigurations withDataSource(Class<?>... others) {
        return configurations(List.of(present().jdbc + "DataSourceAutoConfiguration"), others);
    }

    /** That of the DataSource, that of Flyway, and others. */
    static AutoConfigurations withFlyway(Class<?>... others) {
        return configurations(
                List.of(present().jdbc + "DataSourceAutoConfiguration", present().flyway + "FlywayAutoConfiguration"),
                others);
    }

    /** That of the DataSource, that of Liquibase, and others. */
    static AutoConfigurations withLiquibase(Class<?>... others) {
        return configurations(
                List.of(
                        present().jdbc + "DataSourceAutoConfiguration",
                        present().liquibase + "LiquibaseAutoConfiguration"),
                others);
    }

    private static AutoConfigurations configurations(List<String> names, Class<?>... others) {
        return AutoConfigurations.of(Stream.concat(
                        names.stream().map(name -> ClassUtils.resolveClassName(name, null)), Arrays.stream(others))
                .toArray(Class<?>[]::new));
    }
}

package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Configuration;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** A ledger changes nothing about interrupts, and an interrupted call leaves nothing claimed in it. */
@Tag("slow")
@SpringBootTest(
        classes = {InterruptWithLedgerTest.Database.class, InterruptTest.Application.class},
        properties = {"spring.application.name=interrupts", "hapax.ledger.enabled=true", "hapax.ledger.migrate=true"})
class InterruptWithLedgerTest extends InterruptTest {

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration(DataSourceAutoConfiguration.class)
    static class Database {}

    @DynamicPropertySource
    static void database(DynamicPropertyRegistry properties) {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase("interrupts_" + UUID.randomUUID().toString().replace('-', '_'));
        properties.add("spring.datasource.url", database::jdbcUrl);
        properties.add("spring.datasource.username", database::user);
        properties.add("spring.datasource.password", database::password);
    }

    @Autowired
    private RunLedger ledger;

    @Autowired
    private Service service;

    /** After the holder has left. */
    @AfterEach
    void nothing_is_left_claimed() throws InterruptedException {
        leave();
        assertThat(ledger.entries(LedgerQuery.in(10, RunState.RUNNING))
                        .toCompletableFuture()
                        .join())
                .isEmpty();
        assertThat(service.undeclared()).isEqualTo(1);
    }
}

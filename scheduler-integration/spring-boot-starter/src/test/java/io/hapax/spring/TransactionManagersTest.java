package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Guarded;
import io.hapax.spring.test.InMemoryHapax;
import jakarta.transaction.UserTransaction;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.ReactiveTransactionManager;
import org.springframework.transaction.jta.JtaTransactionManager;

/** Managers whose transactions a guarded method would not see are refused when the application starts. */
class TransactionManagersTest {

    public static class Service {
        @Guarded(key = "service")
        public String serve() {
            return "served";
        }
    }

    private final ApplicationContextRunner application = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
            .withUserConfiguration(InMemoryHapax.Store.class)
            .withBean(Service.class);

    private static <T> T unused(Class<T> type) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> switch (method.getName()) {
                    case "equals" -> proxy == args[0];
                    case "hashCode" -> 1;
                    default -> type.getSimpleName();
                }));
    }

    private static void refused(ApplicationContextRunner application, String... words) {
        application.run(context -> {
            assertThat(context).hasFailed();
            assertThat(context.getStartupFailure())
                    .isInstanceOf(InvalidSettingException.class)
                    .hasMessageContainingAll(words)
                    .hasMessageContaining("hapax.ignored-transaction-managers");
        });
        application
                .withPropertyValues("hapax.ignored-transaction-managers=other,manager")
                .run(context ->
                        assertThat(context.getBean(Service.class).serve()).isEqualTo("served"));
    }

    @Test
    void one_of_reactive_transactions_is_refused() {
        refused(
                application.withBean(
                        "manager", ReactiveTransactionManager.class, () -> unused(ReactiveTransactionManager.class)),
                "transaction manager 'manager'",
                "reactive");
    }

    @Test
    void one_of_jta_is_refused() {
        refused(
                application.withBean(
                        "manager",
                        JtaTransactionManager.class,
                        () -> new JtaTransactionManager(unused(UserTransaction.class))),
                "transaction manager 'manager'",
                "JTA");
    }

    @Test
    void one_that_does_not_synchronize_is_refused() {
        refused(
                application.withBean("manager", PlatformTransactionManager.class, () -> {
                    JdbcTransactionManager silent = new JdbcTransactionManager();
                    silent.setTransactionSynchronization(JdbcTransactionManager.SYNCHRONIZATION_NEVER);
                    silent.setDataSource(unused(javax.sql.DataSource.class));
                    return silent;
                }),
                "transaction manager 'manager'",
                "SYNCHRONIZATION_NEVER");
    }

    @Test
    void without_guarded_methods_nobody_minds() {
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
                .withUserConfiguration(InMemoryHapax.Store.class)
                .withBean("manager", ReactiveTransactionManager.class, () -> unused(ReactiveTransactionManager.class))
                .run(context -> assertThat(context).hasNotFailed());
    }

    @Test
    void an_application_without_springs_transactions_is_guarded() {
        application
                .withClassLoader(new FilteredClassLoader("org.springframework.transaction", "org.springframework.jdbc"))
                .run(context ->
                        assertThat(context.getBean(Service.class).serve()).isEqualTo("served"));
    }
}

package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.JobGuardBuilder;
import io.hapax.RunOptions;
import io.hapax.event.GuardListener;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunLedger;
import io.hapax.postgres.PostgresRunLedger;
import javax.sql.DataSource;
import org.jobrunr.server.BackgroundJobServer;
import org.redisson.api.RedissonClient;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** Opens the store and the ledger, and builds the guard, unless the application has its own. */
@AutoConfiguration(
        afterName = {
            "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
            "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
            // The same of Spring Boot 3.
            "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration",
            "org.springframework.boot.actuate.autoconfigure.metrics.CompositeMeterRegistryAutoConfiguration"
        })
@EnableConfigurationProperties(HapaxProperties.class)
public class HapaxAutoConfiguration {

    /** Under which schedulers depend on the guard, so that they end before it does. */
    static final String SHUTDOWN = "hapaxShutdown";

    /** Created by Spring. */
    public HapaxAutoConfiguration() {}

    /** The guard and what it needs. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnProperty(name = "hapax.enabled", matchIfMissing = true)
    static class Guarding {

        @Bean
        StoreOpening hapaxStoreOpening(HapaxProperties settings, Environment environment) {
            return new StoreOpening(settings, environment);
        }

        /** In PostgreSQL, opened after migrations, as the ledger: Flyway wants to be the first in a schema. */
        @Bean(destroyMethod = "close")
        @DependsOnDatabaseInitialization
        @ConditionalOnMissingBean({LeaseStore.class, JobGuard.class})
        LeaseStore hapaxLeaseStore(
                StoreOpening opening,
                ObjectProvider<RedissonClient> client,
                ObjectProvider<DataSource> dataSource,
                ConfigurableListableBeanFactory beans,
                ObjectProvider<SslBundles> bundles) {
            return opening.open(
                    client, dataSource, () -> ServiceConnection.of(beans, beans.getBeanClassLoader()), bundles);
        }

        /** Opened when Flyway, Liquibase or the scripts of {@code spring.sql.init} have created its tables. */
        @Bean(destroyMethod = "close")
        @DependsOnDatabaseInitialization
        @ConditionalOnProperty("hapax.ledger.enabled")
        @ConditionalOnMissingBean({RunLedger.class, JobGuard.class})
        RunLedger hapaxRunLedger(
                HapaxProperties settings, StoreOpening opening, ObjectProvider<DataSource> dataSource) {
            DataSource source =
                    StoreOpening.source("hapax.ledger.enabled", "the ledger needs", "a RunLedger", dataSource);
            return ledger(settings.getLedger(), opening, source);
        }

        private static RunLedger ledger(HapaxProperties.Ledger settings, StoreOpening opening, DataSource source) {
            try {
                return StoreOpening.check("hapax.ledger", () -> {
                    PostgresRunLedger.Builder builder = PostgresRunLedger.builder(source)
                            .namespace(opening.namespace())
                            .answerTimeout(opening.postgresTimeout(settings.getAnswerTimeout()))
                            .migrate(settings.isMigrate());
                    String schema = settings.getSchema();
                    return (schema == null ? builder : builder.schema(schema)).build();
                });
            } catch (LedgerException trouble) {
                throw new InvalidSettingException(
                        "hapax.ledger",
                        String.valueOf(trouble.getMessage()),
                        "Set hapax.ledger.migrate=true to create the tables, or hapax.ledger.schema to where they are; check"
                                + " spring.datasource",
                        trouble);
            }
        }

        @Bean(destroyMethod = "")
        @ConditionalOnMissingBean
        JobGuard hapaxJobGuard(
                HapaxProperties settings,
                StoreOpening opening,
                LeaseStore store,
                ObjectProvider<RunLedger> ledger,
                ObjectProvider<GuardListener> listeners) {
            RunOptions defaults = opening.options(RunOptions.DEFAULTS);
            return StoreOpening.check("hapax", () -> {
                JobGuardBuilder builder = Transactions.told(JobGuard.builder(store)
                        .defaults(all -> defaults)
                        .environment(opening.environment()::resolveRequiredPlaceholders));
                listeners.orderedStream().forEach(builder::listener);
                RunLedger runs = ledger.getIfUnique();
                builder = runs == null ? builder : builder.ledger(runs);
                String secret = settings.getHashKeys();
                builder = secret == null ? builder : builder.hashKeys(secret);
                String worker = settings.getWorker();
                JobGuard guard = (worker == null ? builder : builder.worker(worker)).build();
                StoreOpening.check("hapax.defaults", () -> {
                    guard.check(defaults);
                    return guard;
                });
                return guard;
            });
        }

        @Bean(SHUTDOWN)
        GuardShutdown hapaxShutdown(HapaxProperties settings, JobGuard guard) {
            return new GuardShutdown(guard, settings.getShutdownGrace());
        }

        @Bean
        static GuardedMethodPostProcessor hapaxGuardedMethods(
                ObjectProvider<JobGuard> guard,
                ObjectProvider<RunObserver> observer,
                ObjectProvider<RunLedger> ledger) {
            return new GuardedMethodPostProcessor(guard, observer, ledger);
        }

        @Bean
        static GuardedScheduling hapaxGuardedScheduling(
                GuardedMethodPostProcessor methods, ConfigurableApplicationContext application) {
            return new GuardedScheduling(methods::hasScheduled, application::isClosed);
        }

        @Bean
        static StartLine hapaxStartLine(ConfigurableListableBeanFactory beans, GuardedMethodPostProcessor methods) {
            return new StartLine(beans, methods);
        }
    }

    /** Says that nobody serves the page that the settings ask for. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnProperty("hapax.console.enabled")
    @ConditionalOnMissingClass("io.hapax.console.Console")
    static class WithoutConsole {

        WithoutConsole() {
            throw new InvalidSettingException(
                    "hapax.console.enabled",
                    "the console is not on the class path",
                    "Add io.hapax:hapax-console to the dependencies, or set hapax.console.enabled=false",
                    null);
        }
    }

    /** Says that nothing is guarded. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnProperty(name = "hapax.enabled", havingValue = "false")
    static class SwitchedOff {

        SwitchedOff() {
            LoggerFactory.getLogger("io.hapax.spring")
                    .warn("Hapax is switched off (hapax.enabled=false): jobs run unguarded");
        }

        /** Without a guard the JobRunr module runs nothing, unless this is explicitly allowed. */
        @Configuration(proxyBeanMethods = false)
        @ConditionalOnClass(BackgroundJobServer.class)
        static class JobRunrToo {

            JobRunrToo() {
                JobRunrGuard.allowUnguarded();
            }
        }
    }
}

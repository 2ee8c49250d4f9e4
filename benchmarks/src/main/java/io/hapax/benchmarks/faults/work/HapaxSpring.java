package io.hapax.benchmarks.faults.work;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.OnFailure;
import io.hapax.RunRefusedException;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.Verdict;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.RunKey;
import io.hapax.ledger.RunLedger;
import io.hapax.spring.HapaxAutoConfiguration;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Hapax with a ledger in a Spring Boot application. A delivery calls the guarded method in a transaction of its own, which now and then
 * rolls back although the method has returned; the recurring job is a scheduled method with a transaction around it.
 */
final class HapaxSpring implements Guarding {

    private static final int THREADS = 4;

    /** One in so many deliveries of items is rolled back, whatever the faults are. */
    private static final int ROLLBACKS = 10;

    private final Work work;
    private final ConfigurableApplicationContext context;
    private final Jobs jobs;
    private final TransactionTemplate outer;
    private final Places places;

    HapaxSpring(Settings settings, DataSource database, Work work) {
        this.work = work;
        // Logging is that of the harness.
        System.setProperty("org.springframework.boot.logging.LoggingSystem", "none");
        this.context = new SpringApplicationBuilder(Application.class)
                .web(WebApplicationType.NONE)
                .bannerMode(Banner.Mode.OFF)
                .logStartupInfo(false)
                .registerShutdownHook(false)
                .properties(Map.of(
                        "spring.application.name",
                        "faults",
                        "hapax.worker",
                        settings.worker(),
                        "hapax.defaults.ttl",
                        Settings.TTL.toMillis() + "ms",
                        "hapax.shutdown-grace",
                        Settings.TTL.toMillis() + "ms"))
                .initializers(context -> {
                    GenericApplicationContext beans = (GenericApplicationContext) context;
                    beans.registerBean(
                            "database", DataSource.class, () -> database, bean -> bean.setDestroyMethodName(""));
                    beans.registerBean(LeaseStore.class, () -> HapaxGuarding.store(settings, database));
                    beans.registerBean(RunLedger.class, () -> HapaxGuarding.ledger(database));
                    beans.registerBean(Work.class, () -> work);
                    beans.registerBean(GuardListener.class, () -> new Waits(work));
                })
                .run();
        this.jobs = context.getBean(Jobs.class);
        this.outer = new TransactionTemplate(context.getBean(PlatformTransactionManager.class));
        this.places = new Places(context.getBean(JobGuard.class), work, settings.limit());
    }

    @Override
    public Answer attempt(Occurrence occurrence) {
        try {
            boolean committed = Boolean.TRUE.equals(outer.execute(transaction -> {
                jobs.deliver(occurrence, occurrence.key(), occurrence.id());
                boolean rollsBack = work.rollsBack() || rollsBackAtAnyTime(occurrence);
                if (rollsBack) {
                    transaction.setRollbackOnly();
                }
                return !rollsBack;
            }));
            if (committed) {
                work.committed();
            }
            return committed ? Answer.SETTLED : Answer.LATER;
        } catch (RunRefusedException refused) {
            return refused.refusal().verdict() == Verdict.DONE ? Answer.SETTLED : Answer.LATER;
        }
    }

    /** A long job would need a second time of its length, which the end of a history does not wait for. */
    private static boolean rollsBackAtAnyTime(Occurrence occurrence) {
        return occurrence.kind() == Occurrence.Kind.ITEM
                && ThreadLocalRandom.current().nextInt(ROLLBACKS) == 0;
    }

    /** The recurring job has started with the application. */
    @Override
    public void start() {
        places.start();
    }

    @Override
    public void close() {
        places.stop();
        context.close();
    }

    /** What is guarded. */
    public static class Jobs {

        private final Work work;

        Jobs(Work work) {
            this.work = work;
        }

        /** A delivery, in the transaction of its caller. */
        @Guarded(key = "#{#key}", once = "#{#id}", onConflict = OnConflict.FAIL)
        @Transactional(rollbackFor = Exception.class)
        public void deliver(Occurrence occurrence, String key, String id) {
            perform(occurrence);
        }

        /** The recurring job; another replica runs it if it fails. */
        @Scheduled(cron = "* * * * * *")
        @Guarded(key = "tick", onConflict = OnConflict.RESCHEDULE, onFailure = OnFailure.RELEASE)
        @Transactional(rollbackFor = Exception.class)
        public void tick() {
            perform(firing(CurrentRun.get().identity().run().orElseThrow()));
        }

        private void perform(Occurrence occurrence) {
            try {
                work.perform(occurrence, new InTransaction(new HapaxGuarding.Lease(CurrentRun.get(), false), work));
            } catch (InterruptedException told) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(told);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Which firings wait here to be tried again. */
    private record Waits(Work work) implements GuardListener {

        @Override
        public void on(GuardEvent event) {
            if (event instanceof GuardEvent.Refused refused && refused.again() && refused.planned()) {
                refused.identity().run().ifPresent(run -> work.waits(firing(run).id()));
            }
        }
    }

    /** The recurring job's occurrence that a run key of Hapax's stands for. */
    private static Occurrence firing(RunKey run) {
        String planned = run.value();
        return Occurrence.tick(
                Instant.parse(planned.substring(planned.lastIndexOf('@') + 1)).getEpochSecond());
    }

    /** A run that ends with the thread's transaction. */
    private record InTransaction(HapaxGuarding.Lease lease, Work work) implements Held {

        @Override
        public OptionalLong token() {
            return lease.token();
        }

        @Override
        public String owner() {
            return lease.owner();
        }

        @Override
        public void check() {
            lease.check();
        }

        /** The starter lets a late commit fail. */
        @Override
        public boolean isFenced() {
            return true;
        }

        @Override
        public Connection connection(DataSource database) throws SQLException {
            return new TransactionAwareDataSourceProxy(database).getConnection();
        }

        @Override
        public boolean isCommittedByCaller() {
            return true;
        }

        @Override
        public void end(String outcome, Consumer<String> end) {
            TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {

                /** Before the starter, which gives the lock back. */
                @Override
                public int getOrder() {
                    return 0;
                }

                @Override
                public void beforeCommit(boolean readOnly) {
                    if (work.rollsBack()) {
                        throw new IllegalStateException("rolled back by somebody around it");
                    }
                    work.commits();
                }

                @Override
                public void afterCompletion(int status) {
                    end.accept(status == STATUS_COMMITTED ? outcome : "failed");
                }
            });
        }

        @Override
        public void onLost(Consumer<String> told) {
            lease.onLost(told);
        }
    }

    /** The application. */
    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    @EnableTransactionManagement(proxyTargetClass = true)
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {

        @Bean
        Jobs jobs(Work work) {
            return new Jobs(work);
        }

        @Bean
        PlatformTransactionManager transactionManager(DataSource database) {
            return new JdbcTransactionManager(database);
        }

        @Bean
        ThreadPoolTaskScheduler taskScheduler() {
            ThreadPoolTaskScheduler scheduler = new ThreadPoolTaskScheduler();
            scheduler.setPoolSize(THREADS);
            // Failures are looked at by the observer.
            scheduler.setErrorHandler(failure -> {});
            return scheduler;
        }
    }
}

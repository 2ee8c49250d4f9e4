package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.JobGuard;
import io.hapax.lease.JobIdentity;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.spring.test.InMemoryHapax;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.spring.autoconfigure.JobRunrAutoConfiguration;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.TriggerBuilder;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.quartz.autoconfigure.QuartzAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.interceptor.TransactionAspectSupport;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Jobs of schedulers whose method is transactional complete in their own transaction, and only if it commits. */
@Tag("slow")
@InMemoryHapax
@SpringBootTest(
        classes = {TransactionalApplication.class, TransactionalJobsTest.Jobs.class},
        properties = {
            "spring.application.name=transactional-jobs",
            "hapax.ledger.enabled=true",
            "hapax.ledger.migrate=true",
            "jobrunr.background-job-server.enabled=true",
            "jobrunr.background-job-server.poll-interval-in-seconds=1",
            // A server that does not work for a while is not taken for dead.
            "jobrunr.background-job-server.server-timeout-poll-interval-multiplicand=20",
            "jobrunr.background-job-server.worker-count=2"
        })
class TransactionalJobsTest {

    /** What the jobs have seen. */
    public static class Diary {

        private final RunLedger ledger;
        private final Map<String, RunState> afterCommit = new ConcurrentHashMap<>();
        private final Map<String, JobIdentity> runs = new ConcurrentHashMap<>();
        private final List<String> attempts = new CopyOnWriteArrayList<>();

        Diary(RunLedger ledger) {
            this.ledger = ledger;
        }

        RunState state(JobIdentity run) {
            return ledger.entry(run)
                    .toCompletableFuture()
                    .join()
                    .map(LedgerEntry::state)
                    .orElseThrow();
        }

        /** Notes what the ledger says when the database has committed, and nobody has heard of it. */
        void write(String job) {
            JobIdentity run = CurrentRun.get().identity();
            attempts.add(job);
            TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
                @Override
                public int getOrder() {
                    return 0;
                }

                @Override
                public void afterCommit() {
                    afterCommit.put(job, state(run));
                }
            });
            runs.put(job, run);
        }
    }

    /** A job of Quartz. */
    public static class BookingJob implements Job {

        @Autowired
        private Diary diary;

        @Autowired
        private JdbcTemplate jdbc;

        @Override
        @Transactional
        public void execute(JobExecutionContext context) {
            jdbc.update(
                    "INSERT INTO payment VALUES (?)",
                    context.getMergedJobDataMap().getInt("payment"));
            diary.write(context.getTrigger().getKey().getName());
            if (context.getMergedJobDataMap().getBoolean("rollsBack")) {
                TransactionAspectSupport.currentTransactionStatus().setRollbackOnly();
            }
        }
    }

    /** A bean whose methods are jobs of JobRunr. */
    public static class Shipments {

        @Autowired
        private Diary diary;

        @Autowired
        private JdbcTemplate jdbc;

        @Autowired
        private TransactionTemplate transaction;

        @Transactional
        public void ship(int order) {
            jdbc.update("INSERT INTO payment VALUES (?)", order);
            diary.write("ship");
            if (diary.attempts.stream().filter("ship"::equals).count() == 1) {
                TransactionAspectSupport.currentTransactionStatus().setRollbackOnly();
            }
        }

        public void shipInTwoSteps(int order) {
            transaction.executeWithoutResult(first -> diary.write("first step"));
            transaction.executeWithoutResult(second -> diary.write("second step"));
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration({
        HapaxQuartzAutoConfiguration.class,
        HapaxJobRunrAutoConfiguration.class,
        QuartzAutoConfiguration.class,
        JobRunrAutoConfiguration.class
    })
    static class Jobs {

        @Bean
        Diary diary(RunLedger ledger) {
            return new Diary(ledger);
        }

        @Bean
        Shipments shipments() {
            return new Shipments();
        }

        @Bean(destroyMethod = "close")
        StorageProvider storageProvider() {
            StorageProvider storage = new InMemoryStorageProvider();
            storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
            return storage;
        }
    }

    @Autowired
    private Scheduler quartz;

    @Autowired
    private JobScheduler jobRunr;

    @Autowired
    private StorageProvider storage;

    @Autowired
    private Diary diary;

    @Autowired
    private Payments payments;

    @Autowired
    private JobGuard guard;

    private void fire(String trigger, int payment, boolean rollsBack) throws Exception {
        quartz.scheduleJob(
                JobBuilder.newJob(BookingJob.class).withIdentity(trigger).build(),
                TriggerBuilder.newTrigger()
                        .withIdentity(trigger)
                        .usingJobData("payment", payment)
                        .usingJobData("rollsBack", rollsBack)
                        .startNow()
                        .build());
        await().atMost(Duration.ofSeconds(60)).until(() -> diary.runs.containsKey(trigger) && guard.activeRuns() == 0);
    }

    @Test
    void a_quartz_job_completes_in_its_own_transaction() throws Exception {
        fire("commits", 1, false);
        assertThat(diary.afterCommit.get("commits")).isEqualTo(RunState.DONE);
        assertThat(payments.paid(1)).isEqualTo(1);
    }

    @Test
    void a_quartz_job_that_rolls_itself_back_has_not_completed() throws Exception {
        fire("rolls back", 2, true);
        assertThat(diary.state(diary.runs.get("rolls back"))).isEqualTo(RunState.FAILED_FOR_GOOD);
        assertThat(payments.paid(2)).isZero();
    }

    private void awaitSuccess(UUID job) {
        await().atMost(Duration.ofSeconds(60))
                .until(() -> storage.getJobById(job).hasState(StateName.SUCCEEDED));
    }

    @Test
    void a_jobrunr_job_completes_in_its_own_transaction_and_is_tried_again_when_that_rolls_back() {
        awaitSuccess(jobRunr.<Shipments>enqueue(shipments -> shipments.ship(3)).asUUID());
        assertThat(diary.attempts.stream().filter("ship"::equals)).hasSize(2);
        assertThat(diary.afterCommit.get("ship")).isEqualTo(RunState.DONE);
        assertThat(payments.paid(3)).isEqualTo(1);
    }

    @Test
    void the_first_of_two_transactions_in_a_job_does_not_complete_it() {
        UUID job = jobRunr.<Shipments>enqueue(shipments -> shipments.shipInTwoSteps(4))
                .asUUID();
        awaitSuccess(job);
        assertThat(diary.afterCommit.get("first step")).isEqualTo(RunState.RUNNING);
        assertThat(diary.afterCommit.get("second step")).isEqualTo(RunState.RUNNING);
        assertThat(diary.state(diary.runs.get("second step"))).isEqualTo(RunState.DONE);
    }
}

package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.ENQUEUED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.PROCESSING;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.jobrunr.Fleet.Worker;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.jobrunr.server.threadpool.PlatformThreadPoolJobRunrExecutor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A thread may come to a job with an interrupt that was meant for an earlier one; only a server that stops means it. */
@Tag("slow")
class LeftoverInterruptTest {

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k");
    private final String name = fleet.journalName("k");

    @AfterEach
    void stop() {
        fleet.close();
    }

    /** Threads that do not clear the flag between two tasks, as a thread pool of the JDK does. */
    private static final class FlaggedThreads extends PlatformThreadPoolJobRunrExecutor {
        FlaggedThreads(int threads) {
            super(threads);
        }

        @Override
        public void execute(Runnable job) {
            super.execute(() -> {
                Thread.currentThread().interrupt();
                job.run();
            });
        }
    }

    /** Threads that take a job up when they are interrupted, as JobRunr does when it stops. */
    private static final class LateThreads extends PlatformThreadPoolJobRunrExecutor {
        private final CountDownLatch taken;

        LateThreads(int threads, CountDownLatch taken) {
            super(threads);
            this.taken = taken;
        }

        @Override
        public void execute(Runnable job) {
            if (!(job instanceof GuardedPerformer)) {
                // JobRunr 7.0 has more to do than jobs when it starts.
                super.execute(job);
                return;
            }
            super.execute(() -> {
                taken.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException stopping) {
                    Thread.currentThread().interrupt();
                }
                job.run();
            });
        }
    }

    @Test
    void a_job_whose_thread_was_left_interrupted_runs_at_once_and_without_the_flag() {
        fleet.onThreads(FlaggedThreads::new);
        fleet.guarded("a", 1).start();
        UUID id = fleet.enqueue(work -> work.noting(name));

        fleet.awaitState(id, SUCCEEDED);
        assertThat(fleet.history(id)).containsExactly(ENQUEUED, PROCESSING, SUCCEEDED);
        assertThat(journal.notes()).contains("interrupted=false");
    }

    @Test
    void a_job_that_may_wait_runs_as_well() {
        fleet.onThreads(FlaggedThreads::new);
        fleet.guarded("a", 1).start();
        UUID id = fleet.enqueue(work -> work.waiting(name));

        fleet.awaitState(id, SUCCEEDED);
        assertThat(fleet.history(id)).containsExactly(ENQUEUED, PROCESSING, SUCCEEDED);
    }

    @Test
    void a_job_that_begins_while_its_server_stops_is_handed_back_and_run_by_another() throws Exception {
        CountDownLatch taken = new CountDownLatch(1);
        fleet.onThreads(threads -> new LateThreads(threads, taken));
        Worker stopping = fleet.guarded("stopping", 1).start();
        UUID id = fleet.enqueue(work -> work.run(name));
        taken.await();
        stopping.server().stop();

        fleet.awaitJob(id, Fleet::isPostponed);
        assertThat(journal.starts()).isZero();
        fleet.onThreads(PlatformThreadPoolJobRunrExecutor::new);
        fleet.guarded("other", 1).start();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
        assertThat(journal.starts()).isEqualTo(1);
    }
}

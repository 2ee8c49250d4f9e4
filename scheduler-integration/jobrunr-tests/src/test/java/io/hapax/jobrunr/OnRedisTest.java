package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.jobrunr.Fleet.Worker;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Workers that share nothing but the job storage and a real Redis. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class OnRedisTest {

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final Fleet fleet = new Fleet();
    private final List<RedissonLeaseStore> stores = new ArrayList<>();
    private final Journal journal = fleet.journal("k");
    private final String name = fleet.journalName("k");

    @AfterEach
    void stop() {
        fleet.close();
        stores.forEach(RedissonLeaseStore::close);
        redis.close();
    }

    private Worker worker(String worker) {
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .namespace("jobrunr-test")
                .url(redis.url())
                .answerTimeout(Duration.ofMillis(1500))
                .firstStart(WallClock.now())
                .build();
        stores.add(store);
        return fleet.guarded(worker, 1, fleet.guard(worker, store, options -> options.withTtl(Duration.ofSeconds(10))));
    }

    @Test
    void a_worker_whose_heartbeats_are_late_is_not_overtaken() {
        fleet.deadAfter(25);
        journal.hold();
        Worker slow = worker("slow").start();
        slow.storage().dropHeartbeats = true;
        UUID id = fleet.enqueue(work -> work.run(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        worker("other").start();

        fleet.awaitPostponed(id, 2);
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(DuplicateRunsTest.dashboardLog(fleet.job(id))).contains("was completed by slow");
    }

    @Test
    void two_jobs_with_one_key_do_not_overlap_on_two_workers() {
        journal.hold();
        worker("a").start();
        worker("b").start();
        fleet.enqueue(work -> work.skipping(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        UUID second = fleet.enqueue(work -> work.skipping(name));

        fleet.awaitState(second, DELETED);
        assertThat(journal.starts()).isEqualTo(1);
    }

    @Test
    void jobs_are_postponed_while_redis_does_not_answer_and_run_when_it_does() {
        worker("a").start();
        UUID first = fleet.enqueue(work -> work.run(name));
        fleet.awaitState(first, SUCCEEDED);
        redis.freeze();
        UUID id = fleet.enqueue(work -> work.run(name));
        fleet.awaitJob(id, Fleet::isPostponed);
        assertThat(journal.starts()).isEqualTo(1);
        redis.thaw();

        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
    }

    @Test
    void a_job_that_ends_while_redis_does_not_answer_succeeds_once() {
        journal.hold();
        worker("a").start();
        UUID id = fleet.enqueue(work -> work.run(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        redis.freeze();
        journal.release();

        fleet.awaitState(id, SUCCEEDED);
        redis.thaw();
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
    }
}

package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.jobrunr.Fleet.Worker;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault.Thrown;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.StorageProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Heartbeats are watched on, whatever the storage throws at the watch. */
@Tag("slow")
class HeartbeatFaultsTest {

    private final FaultInjector faults = new FaultInjector();
    private final Fleet fleet =
            new Fleet(faults.around(StorageProvider.class, new InMemoryStorageProvider()), () -> {}).deadAfter(4);
    private final Journal journal = fleet.journal("late").hold();
    private final String name = fleet.journalName("late");

    @AfterEach
    void stop() {
        faults.healthy();
        fleet.close();
    }

    static List<Throwable> anything() {
        return List.of(
                new IllegalStateException("runtime"),
                new AssertionError("error"),
                new OutOfMemoryError("virtual machine"),
                new Exception("sneaky"),
                new InterruptedException("sneaky"));
    }

    @ParameterizedTest
    @MethodSource("anything")
    void a_job_that_was_passed_on_is_noticed_after_lookups_that_failed(Throwable failure) {
        Worker slow = fleet.guarded("slow", 1).start();
        slow.storage().dropHeartbeats = true;
        UUID id = fleet.enqueue(work -> work.deaf(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        // Nobody else looks jobs up while heartbeats do not reach the storage.
        int before = faults.calls(StorageProvider.class, "getJobById");
        faults.inject(StorageProvider.class, "getJobById", new Thrown(failure), 3);
        Fleet.eventually().until(() -> faults.calls(StorageProvider.class, "getJobById") > before + 3);

        Fleet.eventually()
                .until(() -> slow.server().getJobSteward().getJobsInProgress().isEmpty());
        assertThat(journal.atWork()).isEqualTo(1);
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
    }

    @Test
    void a_storage_that_stands_still_does_not_stop_the_watch_of_other_servers() {
        CountDownLatch frozen = new CountDownLatch(1);
        CountDownLatch thawed = new CountDownLatch(1);
        Worker standing = fleet.guarded("standing", 1).start();
        standing.storage().onTheWay = (call, jobs) -> {
            if (call.equals("look") && Thread.currentThread().getName().startsWith("hapax-jobrunr-heartbeats")) {
                frozen.countDown();
                Fleet.eventually().until(() -> thawed.getCount() == 0);
            }
        };
        standing.storage().dropHeartbeats = true;
        UUID held = fleet.enqueue(work -> work.deaf(name));
        Fleet.eventually().until(() -> frozen.getCount() == 0);

        try (Fleet other = new Fleet().deadAfter(4)) {
            Journal late = other.journal("late").hold();
            String lateName = other.journalName("late");
            Worker slow = other.guarded("slow", 1).start();
            slow.storage().dropHeartbeats = true;
            UUID id = other.enqueue(work -> work.deaf(lateName));
            Fleet.eventually().until(() -> late.starts() == 1);
            Fleet.eventually()
                    .until(() ->
                            slow.server().getJobSteward().getJobsInProgress().isEmpty());
            assertThat(late.atWork()).isEqualTo(1);
            late.release();
            other.awaitState(id, SUCCEEDED);
        } finally {
            thawed.countDown();
            journal.release();
        }
        fleet.awaitState(held, SUCCEEDED);
    }
}

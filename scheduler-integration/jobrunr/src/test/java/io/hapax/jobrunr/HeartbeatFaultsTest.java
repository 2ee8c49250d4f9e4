package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.jobrunr.Fleet.Worker;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault.Thrown;
import java.util.List;
import java.util.UUID;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.StorageProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
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
}

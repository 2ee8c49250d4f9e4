package io.hapax.benchmarks.faults.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class SyncPointsTest {

    private final List<String> reached = new CopyOnWriteArrayList<>();
    private final SyncPoints points = new SyncPoints(reached::add);

    @Test
    void a_run_stays_at_an_armed_place_until_it_is_disarmed() throws Exception {
        points.arm(SyncPoints.AT_COMMIT);
        points.reach(SyncPoints.BEFORE_COMMIT);
        assertThat(reached).as("another place").isEmpty();
        Thread run = new Thread(() -> points.reach(SyncPoints.AT_COMMIT));
        run.start();
        await().until(() -> reached.contains(SyncPoints.AT_COMMIT));
        points.disarm();
        run.join();
        points.reach(SyncPoints.AT_COMMIT);
        assertThat(reached).as("nobody stops at a disarmed place").hasSize(1);
    }
}

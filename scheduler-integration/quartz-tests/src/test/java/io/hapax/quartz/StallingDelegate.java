package io.hapax.quartz;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.quartz.TriggerKey;
import org.quartz.impl.jdbcjobstore.PostgreSQLDelegate;

/** Talks to PostgreSQL as ever, but can be held up where a slow node or a pause of its process would hold it up. */
public class StallingDelegate extends PostgreSQLDelegate {

    /** A place where one node stands still. */
    static final class Stall {
        private final CountDownLatch reached = new CountDownLatch(1);
        private final CountDownLatch goOn = new CountDownLatch(1);

        boolean isReached() {
            return reached.getCount() == 0;
        }

        void goOn() {
            goOn.countDown();
        }

        private void standStill() throws SQLException {
            reached.countDown();
            try {
                if (!goOn.await(60, TimeUnit.SECONDS)) {
                    throw new SQLException("nobody ended the stall");
                }
            } catch (InterruptedException e) {
                throw new SQLException("interrupted in the stall", e);
            }
        }
    }

    private record StallOf(String instanceId, Stall stall) {}

    private static final AtomicReference<@Nullable StallOf> ACQUIRING = new AtomicReference<>();
    private static final AtomicReference<@Nullable StallOf> CHECKING_IN = new AtomicReference<>();

    /** Holds up one node, once it has read a trigger and is about to acquire it: other tests have nodes beside it. */
    static Stall betweenReadAndAcquire(String instanceId) {
        Stall stall = new Stall();
        ACQUIRING.set(new StallOf(instanceId, stall));
        return stall;
    }

    /** Holds up the check-ins of one node. */
    static Stall checkInsOf(String instanceId) {
        Stall stall = new Stall();
        CHECKING_IN.set(new StallOf(instanceId, stall));
        return stall;
    }

    static void none() {
        ACQUIRING.set(null);
        CHECKING_IN.set(null);
    }

    @Override
    public int updateTriggerStateFromOtherState(
            Connection connection, TriggerKey trigger, String newState, String oldState) throws SQLException {
        StallOf stall = newState.equals(STATE_ACQUIRED) && oldState.equals(STATE_WAITING) ? ACQUIRING.get() : null;
        if (stall != null && stall.instanceId().equals(instanceId) && ACQUIRING.compareAndSet(stall, null)) {
            stall.stall().standStill();
        }
        return super.updateTriggerStateFromOtherState(connection, trigger, newState, oldState);
    }

    @Override
    public int updateSchedulerState(Connection connection, String instanceId, long checkInTime) throws SQLException {
        StallOf stall = CHECKING_IN.get();
        if (stall != null && stall.instanceId().equals(instanceId)) {
            stall.stall().standStill();
        }
        return super.updateSchedulerState(connection, instanceId, checkInTime);
    }
}

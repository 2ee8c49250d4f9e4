package io.hapax.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.CurrentRun;
import io.hapax.JobGuard;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.integration.leader.Context;
import org.springframework.integration.leader.DefaultCandidate;
import org.springframework.integration.support.leader.LockRegistryLeaderInitiator;

/** Two applications on one Redis elect a leader, and another one when it stops, or loses the lock. */
class LeadersTest {

    private static final Duration LONGEST = Duration.ofMinutes(2);

    private final AtomicInteger leaders = new AtomicInteger();
    private final AtomicInteger mostLeaders = new AtomicInteger();
    private final List<Long> tokens = new CopyOnWriteArrayList<>();
    private final Replica one = new Replica("one");
    private final Replica two = new Replica("two");

    @AfterEach
    void stop() throws Exception {
        one.close();
        two.close();
    }

    /** A candidate, and what it takes. */
    private final class Replica extends DefaultCandidate implements AutoCloseable {

        private final JobGuard guard = JobGuard.builder(RedissonLeaseStore.builder()
                        .url(EmbeddedRedis.shared().url())
                        .namespace("leaders")
                        .answerTimeout(Duration.ofSeconds(3))
                        .firstStart(WallClock.now())
                        .build())
                .closesStore()
                .build();
        private final LockRegistryLeaderInitiator election;
        private volatile boolean leads;

        Replica(String name) {
            super(name, "cluster");
            election = new LockRegistryLeaderInitiator(
                    HapaxLockRegistry.of(guard, "leaders", options -> options.withTtl(Duration.ofSeconds(15))), this);
            election.setHeartBeatMillis(20);
            election.setBusyWaitMillis(5);
        }

        @Override
        public void onGranted(Context context) {
            tokens.add(CurrentRun.get().fencingToken().value());
            mostLeaders.accumulateAndGet(leaders.incrementAndGet(), Math::max);
            leads = true;
        }

        @Override
        public void onRevoked(Context context) {
            leads = false;
            leaders.decrementAndGet();
        }

        @Override
        public void close() throws Exception {
            election.destroy();
            await().atMost(LONGEST).until(() -> !leads);
            guard.close();
        }
    }

    @Test
    void there_is_one_leader_and_another_one_when_it_stops() {
        one.election.start();
        await().atMost(LONGEST).until(() -> one.leads);
        two.election.start();
        one.election.stop();
        await().atMost(LONGEST).until(() -> two.leads && !one.leads);
        one.election.start();
        two.election.stop();
        await().atMost(LONGEST).until(() -> one.leads && !two.leads);
        assertThat(tokens).hasSize(3).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void a_leader_whose_lock_is_taken_away_is_revoked_and_may_lead_again() {
        one.election.start();
        await().atMost(LONGEST).until(() -> one.leads);
        long first = tokens.get(0);
        LockKey key = new LockKey("leaders:cluster");
        one.guard
                .admin()
                .forceRelease(new JobIdentity(key, null), "test", "another one is to lead")
                .join();
        await().atMost(LONGEST).until(() -> tokens.size() > 1 && one.leads);
        assertThat(tokens.get(1)).isGreaterThan(first);
        assertThat(mostLeaders).hasValue(1);
    }
}

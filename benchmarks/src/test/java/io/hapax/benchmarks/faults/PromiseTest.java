package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.benchmarks.faults.history.Checker;
import io.hapax.benchmarks.faults.history.Event;
import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.Findings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each level may let happen under which fault. */
class PromiseTest {

    private final List<Event> events = new ArrayList<>();

    private void at(long millis, String source, EventType type, String... fields) {
        events.add(Event.of(TimeUnit.MILLISECONDS.toNanos(millis), source, type, fields));
    }

    private void begin(long millis, String worker, String occurrence) {
        at(millis, worker, EventType.BEGIN, worker + occurrence, "ITEM", occurrence, "k", "-", "-");
    }

    private void effect(long millis, String worker, String resource, String occurrence) {
        at(millis, worker, EventType.EFFECT, worker + occurrence, resource, occurrence, "ok");
    }

    private List<String> broken(Contender contender, @Nullable Fault fault) {
        return brokenIn(contender, fault == null ? null : Strike.of(fault));
    }

    private List<String> brokenIn(Contender contender, @Nullable Strike strike) {
        List<Findings> findings = Checker.check(events).findings();
        return Promise.broken(contender, strike, findings.get(findings.size() - 1));
    }

    private void twice(String resource) {
        begin(0, "alice", "item-1");
        effect(1, "alice", resource, "item-1");
        begin(2, "bob", "item-1");
        effect(3, "bob", resource, "item-1");
    }

    @Test
    void without_a_fence_a_frozen_worker_may_write_late_and_a_killed_one_may_not() {
        twice("file");
        assertThat(broken(Contender.HAPAX_L1, Fault.WORKER_STOP_BEFORE_EFFECT)).isEmpty();
        assertThat(broken(Contender.HAPAX_L2, Fault.JVM_PAUSE)).isEmpty();
        assertThat(broken(Contender.HAPAX_L1, Fault.WORKER_KILL)).containsExactly("1 twice in the file");
        assertThat(broken(Contender.HAPAX_L1, Fault.REDIS_EMPTY)).containsExactly("1 twice in the file");
    }

    @Test
    void a_firing_that_waits_in_the_memory_of_its_worker_alone_may_be_lost_with_it() {
        at(0, "queue", EventType.DUE, "TICK", "tick-1", "tick");
        at(1, "alice", EventType.WAITS, "alice", "tick-1");
        assertThat(broken(Contender.HAPAX_SPRING, Fault.ROLLING_DEPLOY)).containsExactly("1 lost");
        at(2, "nemesis", EventType.KILL, "alice");
        assertThat(broken(Contender.HAPAX_SPRING, Fault.ROLLING_DEPLOY)).isEmpty();
    }

    @Test
    void before_all_faults_nothing_at_all_may_happen_twice() {
        twice("file");
        for (Contender contender : List.of(Contender.HAPAX_L1, Contender.HAPAX_L2, Contender.HAPAX_L3)) {
            assertThat(broken(contender, null)).containsExactly("1 twice in the file");
        }
    }

    @Test
    void a_clock_of_redis_that_jumps_breaks_an_assumption_and_one_of_a_worker_does_not() {
        twice("file");
        assertThat(broken(Contender.HAPAX_L1, Fault.REDIS_CLOCK_FORWARD)).isEmpty();
        assertThat(broken(Contender.HAPAX_L1, Fault.WORKER_CLOCK_FORWARD)).containsExactly("1 twice in the file");
    }

    @Test
    void with_a_ledger_no_fault_whatever_may_lead_to_two_rows() {
        twice("row");
        for (Fault fault : Fault.values()) {
            assertThat(broken(Contender.HAPAX_L3, fault)).as("%s", fault).contains("1 twice in PostgreSQL");
        }
        assertThat(broken(Contender.HAPAX_L1, Fault.WORKER_STOP_BEFORE_COMMIT)).isEmpty();
    }

    @Test
    void what_checks_tokens_never_takes_an_effect_twice() {
        twice("store");
        for (Fault fault : Fault.values()) {
            assertThat(broken(Contender.HAPAX_L1, fault))
                    .as("%s", fault)
                    .contains("1 twice in the store that checks tokens");
        }
    }

    @Test
    void nothing_may_be_lost() {
        at(0, "queue", EventType.DUE, "ITEM", "item-1", "k");
        for (Fault fault : Fault.values()) {
            assertThat(broken(Contender.HAPAX_L2, fault)).as("%s", fault).containsExactly("1 lost");
        }
    }

    @Test
    void a_takeover_has_to_be_through_two_seconds_after_the_ttl() {
        begin(0, "alice", "item-1");
        at(0, "nemesis", EventType.KILL, "alice");
        begin(5_000, "bob", "item-1");
        assertThat(broken(Contender.HAPAX_L1, Fault.WORKER_KILL)).isEmpty();
        events.remove(2);
        begin(5_001, "bob", "item-1");
        assertThat(broken(Contender.HAPAX_L1, Fault.WORKER_KILL)).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "worker-kill+redis-slow-script, 5000",
        "worker-kill+redis-restart, 6300",
        "worker-clock-back+redis-clock-forward, 6300",
        "worker-clock-back+cluster-slots-move, 9600",
        "worker-kill+sentinel-failover, 9600"
    })
    void where_redis_may_have_forgotten_leases_a_takeover_waits_for_its_quarantine(String strike, long most) {
        begin(0, "alice", "item-1");
        at(0, "nemesis", EventType.KILL, "alice");
        begin(most, "bob", "item-1");
        assertThat(brokenIn(Contender.HAPAX_L3, Strike.of(strike))).isEmpty();
        events.remove(2);
        begin(most + 1, "bob", "item-1");
        assertThat(brokenIn(Contender.HAPAX_L3, Strike.of(strike))).hasSize(1);
    }

    @Test
    void each_fault_strikes_those_who_have_what_it_breaks() {
        assertThat(Fault.REDIS_EMPTY.strikes(Contender.QUARTZ_JDBC)).isFalse();
        assertThat(Fault.REDIS_EMPTY.strikes(Contender.RLOCK)).isTrue();
        assertThat(Fault.SENTINEL_FAILOVER.strikes(Contender.HAPAX_L2)).isFalse();
        assertThat(Fault.QUORUM_TWO_OF_FIVE.strikes(Contender.HAPAX_L2)).isTrue();
        assertThat(Fault.QUORUM_TWO_OF_FIVE.strikes(Contender.HAPAX_L3)).isFalse();
        assertThat(Fault.POSTGRES_RESTART.strikes(Contender.NONE)).isTrue();
        assertThat(Fault.CLUSTER_FAILOVER.strikes(Contender.HAPAX_L3)).isTrue();
        assertThat(Fault.CLUSTER_FAILOVER.strikes(Contender.HAPAX_L2)).isFalse();
        assertThat(Fault.CLUSTER_SLOTS_MOVE.strikes(Contender.RLOCK)).isTrue();
        assertThat(Fault.POSTGRES_FAILOVER.strikes(Contender.HAPAX_POSTGRES)).isTrue();
        assertThat(Fault.POSTGRES_FAILOVER.strikes(Contender.JOBRUNR)).isTrue();
        assertThat(Fault.STANDBY_STOP.strikes(Contender.QUARTZ_JDBC)).isTrue();
        assertThat(Fault.STANDBY_STOP.strikes(Contender.RLOCK)).isFalse();
    }
}

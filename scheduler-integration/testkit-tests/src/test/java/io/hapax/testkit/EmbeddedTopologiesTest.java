package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Servers that replicate each other can be broken in the ways that matter. */
@Tag("slow")
class EmbeddedTopologiesTest {

    @Test
    void a_promoted_replica_has_missed_what_was_written_after_it_was_cut_off() {
        try (EmbeddedSentinel sentinel = EmbeddedSentinel.start(1)) {
            EmbeddedRedis old = sentinel.master();
            old.command("SET", "early", "1");
            assertThat(old.command("WAIT", "1", "8000")).isEqualTo("1");
            await().until(() ->
                    sentinel.replicas().get(0).command("GET", "early").equals("1"));
            sentinel.cutReplication();
            old.command("SET", "late", "1");

            EmbeddedRedis promoted = sentinel.promote();

            assertThat(promoted.port()).isNotEqualTo(old.port());
            assertThat(promoted.command("GET", "early")).isEqualTo("1");
            assertThat(promoted.command("GET", "late")).isEqualTo("(nil)");
        }
    }

    @Test
    void sentinels_promote_by_themselves_when_the_master_is_killed() {
        try (EmbeddedSentinel sentinel = EmbeddedSentinel.start(1)) {
            EmbeddedRedis old = sentinel.master();
            old.kill();
            assertThat(sentinel.awaitPromotion(old).command("SET", "k", "v")).isEqualTo("OK");
            assertThat(sentinel.urls()).hasSize(3);
        }
        assertThatIllegalArgumentException().isThrownBy(() -> EmbeddedSentinel.start(0));
    }

    @Test
    void a_promoted_standby_has_all_that_was_committed_and_gets_a_standby_of_its_own() throws Exception {
        try (EmbeddedDatabase primary = EmbeddedDatabase.start()) {
            execute(primary, "CREATE TABLE t (n int PRIMARY KEY)");
            try (EmbeddedDatabase standby = primary.startStandby()) {
                execute(primary, "INSERT INTO t VALUES (1)");
                primary.kill();
                standby.promote();
                execute(standby, "INSERT INTO t VALUES (2)");
                try (EmbeddedDatabase next = standby.startStandby()) {
                    execute(standby, "INSERT INTO t VALUES (3)");
                    standby.kill();
                    next.promote();
                    assertThat(numbers(next)).containsExactly(1, 2, 3);
                }
            }
        }
    }

    private static void execute(EmbeddedDatabase database, String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static List<Integer> numbers(EmbeddedDatabase database) throws SQLException {
        List<Integer> numbers = new ArrayList<>();
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT n FROM t ORDER BY n")) {
            while (rows.next()) {
                numbers.add(rows.getInt(1));
            }
        }
        return numbers;
    }

    @Test
    void a_cluster_moves_slots_and_promotes_replicas_that_missed_writes() {
        try (EmbeddedCluster cluster = EmbeddedCluster.start(1)) {
            List<EmbeddedRedis> masters = cluster.masters();
            assertThat(masters).hasSize(3);
            EmbeddedRedis from = cluster.masterOf("{a}1");
            from.command("SET", "{a}1", "x");
            EmbeddedRedis target = masters.stream()
                    .filter(server -> server != from)
                    .findFirst()
                    .orElseThrow();

            cluster.moveSlot(cluster.slotOf("{a}1"), target);

            assertThat(cluster.masterOf("{a}1")).isSameAs(target);
            assertThat(target.command("GET", "{a}1")).isEqualTo("x");
            EmbeddedRedis replica = cluster.replicasOf(target).get(0);
            cluster.cutReplication(target);
            target.command("SET", "{a}2", "x");
            cluster.promote(replica);
            assertThat(cluster.masterOf("{a}2")).isSameAs(replica);
            assertThat(replica.command("GET", "{a}2")).isEqualTo("(nil)");
        }
    }
}

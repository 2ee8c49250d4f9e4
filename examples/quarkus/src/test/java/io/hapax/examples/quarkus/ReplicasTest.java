package io.hapax.examples.quarkus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Two processes of the packaged application on one database: what is promised under quarkus-quartz, and of beans of CDI. */
class ReplicasTest {

    private static EmbeddedDatabase server;
    private static DatabaseAddress database;
    private static Replica one;
    private static Replica two;

    @BeforeAll
    static void start() throws Exception {
        server = EmbeddedDatabase.start();
        database = server.createDatabase("shop");
        execute("CREATE TABLE journal (what text NOT NULL, replica text NOT NULL)");
        execute("CREATE TABLE packing (number int PRIMARY KEY)");
        one = new Replica("one", database);
        two = new Replica("two", database);
    }

    @AfterAll
    static void stop() throws Exception {
        try (EmbeddedDatabase last = server;
                Replica first = one;
                Replica second = two) {
            assertThat(List.of(first, second)).allMatch(Replica::isRunning);
        }
    }

    private static void execute(String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static List<String> did(String beginning) throws SQLException {
        List<String> found = new ArrayList<>();
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT what FROM journal WHERE what LIKE '" + beginning + "%' ORDER BY what")) {
            while (rows.next()) {
                found.add(rows.getString(1));
            }
        }
        return found;
    }

    /** Has an order take until it is packed. */
    private static CompletableFuture<String> shipping(Replica replica, int customer, int order) throws SQLException {
        execute("INSERT INTO packing VALUES (" + order + ")");
        CompletableFuture<String> shipped = replica.ship(customer, order);
        await().atMost(Replica.LONGEST).until(() -> did("started " + order), started -> !started.isEmpty());
        return shipped;
    }

    private static void pack(int order) throws SQLException {
        execute("DELETE FROM packing WHERE number = " + order);
    }

    @Test
    void each_firing_runs_once_whoever_is_first() throws Exception {
        String job = "mails";
        await().atMost(Replica.LONGEST)
                .until(() -> did("mails").size() >= 4
                        && one.meter("hapax_refused_total", job) + two.meter("hapax_refused_total", job) >= 2);
        assertThat(did("mails")).doesNotHaveDuplicates();
        assertThat(one.meter("hapax_runs_total", job) + two.meter("hapax_runs_total", job))
                .isPositive();
    }

    /** If it was guarded twice, its own run would be in the way. */
    @Test
    void a_job_of_quartz_that_is_a_bean_is_guarded_once() throws Exception {
        await().atMost(Replica.LONGEST).until(() -> did("stock").size() >= 4);
        assertThat(did("stock")).doesNotHaveDuplicates();
    }

    @Test
    void a_bean_method_is_guarded_by_its_annotation() throws Exception {
        CompletableFuture<String> shipped = shipping(one, 1, 101);
        assertThat(two.ship(1, 102).join()).as("of the same customer").isEqualTo("not shipped");
        assertThat(two.ship(2, 103).join()).isEqualTo("parcel-103");
        pack(101);
        assertThat(shipped.join()).isEqualTo("parcel-101");
        assertThat(two.ship(1, 101).join()).as("shipped already").isEqualTo("not shipped");
        assertThat(did("order 10")).containsExactly("order 101", "order 103");
        assertThat(two.meter("hapax_refused_total", "Shop.ship")).isEqualTo(2);
    }

    @Test
    void health_is_among_the_checks_of_the_framework() {
        assertThat(one.get("/q/health/ready").join())
                .contains("\"hapax\"", "\"store\": \"answers\"", "\"status\": \"UP\"");
    }

    @Test
    void a_process_that_is_asked_to_end_waits_for_its_runs() throws Exception {
        try (Replica three = new Replica("three", database)) {
            CompletableFuture<String> shipped = shipping(three, 3, 301);
            three.terminate();
            await().atMost(Replica.LONGEST).until(() -> one.ship(3, 302).join(), "not shipped"::equals);
            assertThat(three.isRunning()).isTrue();
            pack(301);
            await().atMost(Replica.LONGEST).until(() -> !three.isRunning());
            assertThat(did("order 301")).hasSize(1);
            assertThat(one.ship(3, 301).join()).as("noted as done").isEqualTo("not shipped");
            shipped.cancel(true);
        }
    }

    @Test
    void what_a_killed_process_held_is_free_after_its_ttl() throws Exception {
        try (Replica four = new Replica("four", database)) {
            CompletableFuture<String> shipped = shipping(four, 4, 401);
            four.kill();
            await().atMost(Replica.LONGEST).until(() -> !four.isRunning());
            pack(401);
            await().atMost(Replica.LONGEST).until(() -> one.ship(4, 401).join(), "parcel-401"::equals);
            assertThat(Collections.frequency(did("order"), "order 401")).isEqualTo(1);
            shipped.cancel(true);
        }
    }
}

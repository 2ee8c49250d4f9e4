package io.hapax.worker;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/** Reads what the workers have written down. */
final class Observations {

    private static final String READ = """
            SELECT r.kind, r.occurrence, r.lock_group, r.worker, r.effect_at, array_agg(s.at ORDER BY s.at)
            FROM demo_run r JOIN demo_step s ON s.run = r.id WHERE r.part = ? GROUP BY r.id ORDER BY r.id
            """;
    private static final Map<Kind, Duration> CRON = Map.of(
            Kind.TICK, Duration.ofSeconds(1),
            Kind.REPORT, Duration.ofSeconds(2),
            Kind.CLUSTER, Duration.ofSeconds(4));

    private final DataSource database;

    Observations(DataSource database) {
        this.database = database;
    }

    void createTables() {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(RunRecorder.SCHEMA);
        } catch (SQLException e) {
            throw new IllegalStateException("the demo's tables could not be created: " + e.getMessage(), e);
        }
    }

    List<ObservedRun> of(String part) {
        try (Connection connection = database.getConnection();
                PreparedStatement select = connection.prepareStatement(READ)) {
            select.setString(1, part);
            List<ObservedRun> runs = new ArrayList<>();
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    runs.add(run(rows));
                }
            }
            return runs;
        } catch (SQLException e) {
            throw new IllegalStateException("the demo's tables could not be read: " + e.getMessage(), e);
        }
    }

    @SuppressWarnings("JavaUtilDate")
    private static ObservedRun run(ResultSet row) throws SQLException {
        List<Instant> steps = new ArrayList<>();
        for (Timestamp step : (Timestamp[]) row.getArray(6).getArray()) {
            steps.add(step.toInstant());
        }
        Timestamp effect = row.getTimestamp(5);
        return new ObservedRun(
                Kind.valueOf(row.getString(1)),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                steps,
                effect == null ? null : effect.toInstant());
    }

    /** One tally a kind. Of a cron job every slot between the first and the last one seen is expected. */
    static Map<Kind, Tally> tallies(List<ObservedRun> runs, Map<Kind, Set<String>> queued) {
        Map<Kind, Tally> tallies = new LinkedHashMap<>();
        for (Kind kind : Kind.values()) {
            List<ObservedRun> ofKind =
                    runs.stream().filter(run -> run.kind() == kind).toList();
            Set<String> expected =
                    CRON.containsKey(kind) ? slots(ofKind, CRON.get(kind)) : queued.getOrDefault(kind, Set.of());
            tallies.put(kind, Tally.of(ofKind, expected));
        }
        return tallies;
    }

    private static Set<String> slots(List<ObservedRun> runs, Duration every) {
        TreeSet<Instant> seen = runs.stream()
                .map(run -> Instant.parse(run.occurrence()))
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> expected = new TreeSet<>();
        if (!seen.isEmpty()) {
            for (Instant slot = seen.first(); !slot.isAfter(seen.last()); slot = slot.plus(every)) {
                expected.add(slot.toString());
            }
        }
        return expected;
    }
}

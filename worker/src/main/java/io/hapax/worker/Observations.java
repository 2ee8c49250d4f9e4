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
            Kind.CLUSTER, Duration.ofSeconds(2));

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

    /** The time by the clock that the runs are recorded by. */
    Instant now() {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT clock_timestamp()")) {
            row.next();
            return row.getTimestamp(1).toInstant();
        } catch (SQLException e) {
            throw new IllegalStateException("the database's clock could not be read: " + e.getMessage(), e);
        }
    }

    /** One tally a kind. */
    static Map<Kind, Tally> tallies(List<ObservedRun> runs, Expected expected) {
        Map<Kind, Tally> tallies = new LinkedHashMap<>();
        for (Kind kind : Kind.values()) {
            List<ObservedRun> ofKind =
                    runs.stream().filter(run -> run.kind() == kind).toList();
            tallies.put(kind, Tally.of(ofKind, expected.of(kind, ofKind)));
        }
        return tallies;
    }

    /**
     * What should happen. Of a cron job these are all slots of the time in which a worker that was neither killed nor
     * frozen was running, but for one interval at its end, whether or not anybody ran them; and those between the first
     * and the last one that anybody ran.
     *
     * @param queued what was enqueued, by kind
     * @param begin since when all workers were up
     * @param end until when they worked
     */
    record Expected(Map<Kind, Set<String>> queued, Instant begin, Instant end) {

        Set<String> of(Kind kind, List<ObservedRun> runs) {
            Duration every = CRON.get(kind);
            return every == null ? queued.getOrDefault(kind, Set.of()) : slots(runs, every);
        }

        boolean areBegun(List<ObservedRun> runs) {
            Set<String> begun =
                    runs.stream().map(run -> run.kind() + run.occurrence()).collect(Collectors.toSet());
            return CRON.keySet().stream()
                    .allMatch(kind -> of(kind, List.of()).stream().allMatch(slot -> begun.contains(kind + slot)));
        }

        private Set<String> slots(List<ObservedRun> runs, Duration every) {
            TreeSet<Instant> seen = runs.stream()
                    .map(run -> Instant.parse(run.occurrence()))
                    .collect(Collectors.toCollection(TreeSet::new));
            Set<String> slots = new TreeSet<>();
            addSlots(slots, Instant.ofEpochSecond(begin.getEpochSecond()).plusSeconds(1), end.minus(every), every);
            if (!seen.isEmpty()) {
                addSlots(slots, seen.first(), seen.last(), every);
            }
            return slots;
        }

        /** The slots are aligned to the minute, as those of the cron expressions are. */
        private static void addSlots(Set<String> slots, Instant from, Instant to, Duration every) {
            long step = every.toSeconds();
            for (long at = (from.getEpochSecond() + step - 1) / step * step; at <= to.getEpochSecond(); at += step) {
                slots.add(Instant.ofEpochSecond(at).toString());
            }
        }
    }
}

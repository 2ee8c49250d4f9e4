package io.hapax.benchmarks;

import io.hapax.benchmarks.harness.ChildJvm;
import io.hapax.benchmarks.harness.CountingDatabase;
import io.hapax.benchmarks.harness.Samples;
import io.hapax.benchmarks.harness.Table;
import io.hapax.testkit.EmbeddedDatabase;
import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What a run costs with the ledger (claim and completion), beside one INSERT by the plain driver: statements counted by
 * {@code pg_stat_statements}, CPU of the client and of PostgreSQL counted by the operating system. The variants take
 * turns; medians and their spread are printed, and the ratio of the medians.
 */
final class LedgerBenchmark {

    private static final int ROUNDS = 5;
    private static final List<Integer> CALLERS = List.of(1, 8, 64);

    private final CountingDatabase server;
    private final long postmaster;

    private LedgerBenchmark(CountingDatabase server) throws SQLException {
        this.server = server;
        server.execute("CREATE TABLE plain_run (id text PRIMARY KEY, worker text NOT NULL)");
        this.postmaster = ProcessCpu.postmaster(server.database());
    }

    /** What the rounds of a variant cost. */
    private static final class Cost {
        final Samples runsPerSecond = new Samples();
        final Samples clientMicros = new Samples();
        final Samples serverMicros = new Samples();
        final Samples micros = new Samples();
        final Samples statements = new Samples();
    }

    /** Arguments: numbers of callers, by default 1, 8 and 64. */
    public static void main(String[] args) throws Exception {
        Locale.setDefault(Locale.ROOT);
        try (CountingDatabase server = CountingDatabase.start()) {
            new LedgerBenchmark(server)
                    .run(
                            args.length == 0
                                    ? CALLERS
                                    : Stream.of(args).map(Integer::valueOf).toList());
        }
    }

    private void run(List<Integer> all) throws Exception {
        Table table = new Table(
                "callers", "variant", "runs/s", "client µs CPU/run", "PostgreSQL µs CPU/run", "statements/run");
        String last = "";
        for (int callers : all) {
            Cost insert = new Cost();
            Cost ledger = new Cost();
            for (int round = 0; round < ROUNDS; round++) {
                sample("insert", callers, insert);
                sample("ledger", callers, ledger);
            }
            row(table, callers, "INSERT", insert);
            row(table, callers, "ledger", ledger);
            last = String.format(
                    Locale.ROOT,
                    "hapax-ledger callers=%d statements_per_run=%.3f cpu_vs_insert=%.2f throughput_vs_insert=%.2f",
                    callers,
                    ledger.statements.median(),
                    ledger.micros.median() / insert.micros.median(),
                    ledger.runsPerSecond.median() / insert.runsPerSecond.median());
        }
        System.out.println(last);
    }

    private static void row(Table table, int callers, String variant, Cost cost) {
        table.row(
                callers,
                variant,
                cost.runsPerSecond.text(),
                cost.clientMicros.text(),
                cost.serverMicros.text(),
                cost.statements.median());
    }

    private void sample(String variant, int callers, Cost cost) throws IOException, SQLException {
        EmbeddedDatabase database = server.database();
        try (ChildJvm child = ChildJvm.start(
                LedgerVariant.class,
                List.of("-Xmx256m"),
                variant,
                database.jdbcUrl(),
                database.user(),
                database.password(),
                Integer.toString(callers))) {
            server.reset();
            double cpuBefore = ProcessCpu.ofTree(postmaster);
            long begun = System.nanoTime();
            String[] result = child.ask("go").split(" ", 2);
            double seconds = (System.nanoTime() - begun) / 1e9;
            double perRun = 1e6 / Double.parseDouble(result[0]);
            double client = Double.parseDouble(result[1]) * perRun;
            double server = (ProcessCpu.ofTree(postmaster) - cpuBefore) * perRun;
            cost.runsPerSecond.add(1e6 / perRun / seconds);
            cost.clientMicros.add(client);
            cost.serverMicros.add(server);
            cost.micros.add(client + server);
            cost.statements.add(this.server.statements() * perRun / 1e6);
        } finally {
            server.execute("TRUNCATE plain_run");
            server.execute("CHECKPOINT");
        }
    }
}

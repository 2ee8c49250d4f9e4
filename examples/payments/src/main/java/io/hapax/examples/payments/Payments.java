package io.hapax.examples.payments;

import io.hapax.CurrentRun;
import io.hapax.RunRequest;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;

/**
 * Two ways in which payments are made twice, and what stops them.
 *
 * <p>First: a worker books a payment and is frozen before it commits, for longer than its lease lives. Another worker takes over
 * and books it. Then the first one wakes up and commits. No lock can stop it; the ledger does, since its completion is part of the
 * same transaction and its fencing token is no longer the newest. The worker is a real process, frozen with SIGSTOP.
 *
 * <p>Second: a worker calls a card company, and dies before it can note that. The run is repeated, and the call with it. The
 * card company has to recognise it: the run key is the idempotency key.
 */
public final class Payments {

    private Payments() {}

    /**
     * What came of it.
     *
     * @param bookings how often the payment of the frozen worker is in the books
     * @param frozen what the frozen worker said when it had woken up
     * @param calls how often the card company was called for one payment
     * @param charges how often it has charged
     */
    public record Outcome(int bookings, String frozen, int calls, int charges) {}

    /**
     * Runs the example.
     *
     * @param arguments none
     * @throws Exception if a server or the worker cannot be started
     */
    public static void main(String[] arguments) throws Exception {
        print(System.out, run());
    }

    static Outcome run() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                EmbeddedDatabase postgres = EmbeddedDatabase.start();
                Ledgered other = Ledgered.open(redis.url(), postgres.dataSource(), "other");
                CardCompany company = new CardCompany()) {
            execute(postgres, "CREATE TABLE booking (payment int, worker text, token bigint)");
            String frozen = freezeInTheMiddle(redis, postgres, other);
            callTwice(other, company);
            return new Outcome(bookings(postgres), frozen, company.calls(), company.charges());
        }
    }

    private static String freezeInTheMiddle(EmbeddedRedis redis, EmbeddedDatabase postgres, Ledgered other)
            throws Exception {
        Process worker = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        FrozenWorker.class.getName(),
                        redis.url(),
                        postgres.jdbcUrl(),
                        postgres.user(),
                        postgres.password())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader says =
                        new BufferedReader(new InputStreamReader(worker.getInputStream(), StandardCharsets.UTF_8));
                OutputStream tells = worker.getOutputStream()) {
            String first = says.readLine();
            if (!"booked, not committed".equals(first)) {
                throw new IllegalStateException("the worker said: " + first);
            }
            signal("-STOP", worker);
            // Refused until the lease of the frozen one has run out.
            Ledgered.untilItRuns(() -> other.book(1, () -> {}));
            signal("-CONT", worker);
            tells.write('\n');
            tells.flush();
            return String.valueOf(says.readLine());
        } finally {
            worker.destroyForcibly();
        }
    }

    private static void signal(String signal, Process worker) throws IOException, InterruptedException {
        new ProcessBuilder("kill", signal, Long.toString(worker.pid())).start().waitFor();
    }

    private static void callTwice(Ledgered worker, CardCompany company) throws Exception {
        RunRequest request = RunRequest.occurrence("payment/2");
        try {
            Ledgered.untilItRuns(() -> worker.guard().run(request, run -> {
                company.call(runKey(), run.fencingToken().value());
                throw new IllegalStateException("the worker fails after the call");
            }));
        } catch (IllegalStateException asPlanned) {
            // The scheduler tries again.
        }
        Ledgered.untilItRuns(() -> worker.guard().run(request, run -> {
            company.call(runKey(), run.fencingToken().value());
            return true;
        }));
    }

    private static String runKey() {
        return CurrentRun.get().identity().run().orElseThrow().value();
    }

    private static int bookings(EmbeddedDatabase postgres) throws SQLException {
        try (Connection connection = postgres.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT count(*) FROM booking WHERE payment = 1")) {
            rows.next();
            return rows.getInt(1);
        }
    }

    private static void execute(EmbeddedDatabase postgres, String sql) throws SQLException {
        try (Connection connection = postgres.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void print(PrintStream out, Outcome outcome) {
        out.println(
                "Payment 1: a worker books it and is frozen before it commits; another one takes over and books it.");
        out.println("  the frozen worker, awake again: " + outcome.frozen());
        out.println("  bookings of payment 1:          " + outcome.bookings());
        out.println();
        out.println(
                "Payment 2: a worker calls the card company and fails before it can note that; the run is repeated.");
        out.println("  calls of the card company:      " + outcome.calls());
        out.println("  charges:                        " + outcome.charges());
        out.println();
        out.printf(
                Locale.ROOT,
                "hapax-example name=payments bookings=%d charges=%d%n",
                outcome.bookings(),
                outcome.charges());
    }
}

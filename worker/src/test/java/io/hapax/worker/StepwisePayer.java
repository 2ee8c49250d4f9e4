package io.hapax.worker;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.event.Refusal;
import io.hapax.ledger.AfterCrash;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.WallClock;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/** A process of {@link FencedFaultsTest} that pays one payment step by step, and waits for an order before each step. */
final class StepwisePayer {

    private static final BufferedReader ORDERS =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    private StepwisePayer() {}

    /** What all processes of the test are set to. */
    static JobGuard guard(String redisUrl, HikariDataSource database, String worker, Duration ttl) {
        return JobGuard.builder(RedissonLeaseStore.builder()
                        .namespace("worker-test")
                        .url(redisUrl)
                        .answerTimeout(ttl.dividedBy(6))
                        .longestTtl(ttl)
                        .firstStart(WallClock.now())
                        .lazy(true)
                        .build())
                .ledger(PostgresRunLedger.builder(database)
                        .namespace("worker-test")
                        .answerTimeout(ttl.dividedBy(6))
                        .migrate(true)
                        .build())
                .worker(worker)
                .defaults(options -> options.withTtl(ttl))
                .closesStore()
                .build();
    }

    static RunRequest payment(AfterCrash afterCrash) {
        return RunRequest.lock("account/1").once("payment/1").tune(options -> options.withAfterCrash(afterCrash));
    }

    static void write(Connection connection, String worker) throws SQLException {
        try (var insert = connection.prepareStatement("INSERT INTO effect (worker) VALUES (?)")) {
            insert.setString(1, worker);
            insert.executeUpdate();
        }
    }

    /** Arguments: name, redis, database, what happens to the payment after a crash, for how many seconds leases live. */
    public static void main(String[] args) throws Exception {
        // Threads of the store would keep a process alive whose main thread has failed.
        Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
        });
        HikariDataSource database = DemoCommand.pool(args[2]);
        JobGuard guard = guard(args[1], database, args[0], Duration.ofSeconds(Long.parseLong(args[4])));
        say(args[0] + " is up");
        awaitOrder();
        // A loaded machine may be slow to connect.
        guard.admit(payment(AfterCrash.valueOf(args[3])).waitAtMost(Duration.ofSeconds(40)))
                .fold(run -> pays(run, database, args[0]), StepwisePayer::refused);
        System.exit(0);
    }

    private static boolean refused(Refusal refusal) {
        say("refused " + refusal);
        return false;
    }

    private static boolean pays(GuardedRun run, HikariDataSource database, String worker) {
        // Deaf to interrupts: the fence has to stop it.
        try (run;
                GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL);
                Connection connection = database.getConnection()) {
            say("admitted, attempt " + run.attempt());
            awaitOrder();
            connection.setAutoCommit(false);
            write(connection, worker);
            say("written");
            awaitOrder();
            completeIn(run, connection);
            awaitOrder();
            say("ended " + run.complete());
            return true;
        } catch (SQLException | IOException broken) {
            say("broken by " + broken);
            return false;
        }
    }

    private static void completeIn(GuardedRun run, Connection connection) throws SQLException {
        try {
            run.completeIn(connection);
            connection.commit();
            say("committed");
        } catch (LeaseLostException lost) {
            connection.rollback();
            say("rolled back, " + lost.reason());
        }
    }

    private static void awaitOrder() throws IOException {
        if (ORDERS.readLine() == null) {
            Runtime.getRuntime().halt(3);
        }
    }

    private static void say(String text) {
        System.out.println("> " + text);
        System.out.flush();
    }

    static List<String> arguments(String name, String redisUrl, String jdbcUrl, AfterCrash afterCrash, Duration ttl) {
        return List.of(name, redisUrl, jdbcUrl, afterCrash.name(), Long.toString(ttl.toSeconds()));
    }
}

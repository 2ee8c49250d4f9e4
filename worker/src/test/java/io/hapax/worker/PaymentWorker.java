package io.hapax.worker;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.JobGuardBuilder;
import io.hapax.LeaseLostException;
import io.hapax.RunRequest;
import io.hapax.WhenUnavailable;
import io.hapax.event.RunOutcome;
import io.hapax.lease.LeaseStore;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.redis.RedissonLeaseStore;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * One process of {@link NeverTwiceTest}: pays every payment that nobody has paid yet. Each process is given all of them,
 * as a broken queue would deliver each to everybody, and gives up none; one that takes the place of a killed one is given a
 * part of those that are paid.
 */
final class PaymentWorker {

    static final Duration TTL = Duration.ofSeconds(1);
    static final String NAMESPACE = "payments";
    private static final int ACCOUNTS = 500;
    /** In milliseconds; longer than a look-up takes. */
    private static final long SHORT = 20;

    private final String name;
    private final boolean fenced;
    private final int longestWork;
    private final HikariDataSource database;
    private final JobGuard guard;
    private final Queue<Integer> open;
    private final AtomicInteger left;

    private PaymentWorker(List<String> args) throws SQLException {
        this.name = args.get(0);
        this.fenced = args.get(3).equals("fenced");
        int payments = Integer.parseInt(args.get(4));
        this.longestWork = Integer.parseInt(args.get(5));
        this.database = DemoCommand.pool(args.get(2));
        LeaseStore store = RedissonLeaseStore.builder()
                .url(args.get(1))
                .namespace(NAMESPACE)
                .answerTimeout(TTL.dividedBy(6))
                .longestTtl(TTL)
                .lazy(true)
                .build();
        JobGuardBuilder builder =
                JobGuard.builder(store).worker(name).withoutLogging().defaults(options -> options.withTtl(TTL));
        this.guard = (fenced ? builder.ledger(ledger(database)) : builder).build();
        List<Integer> delivered = delivered(payments, new Random(name.hashCode()));
        this.open = new ConcurrentLinkedQueue<>(delivered);
        this.left = new AtomicInteger(delivered.size());
    }

    /** All that is not paid, and of what is paid a fifth: to the first workers, everything. */
    private List<Integer> delivered(int payments, Random random) throws SQLException {
        Set<Integer> paid = new HashSet<>();
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT payment FROM effect")) {
            while (rows.next()) {
                paid.add(rows.getInt(1));
            }
        }
        List<Integer> delivered = new ArrayList<>(IntStream.range(0, payments)
                .filter(payment -> !paid.contains(payment) || random.nextInt(5) == 0)
                .boxed()
                .toList());
        Collections.shuffle(delivered, random);
        return delivered;
    }

    private static PostgresRunLedger ledger(HikariDataSource database) {
        return PostgresRunLedger.builder(database)
                .namespace(NAMESPACE)
                .answerTimeout(TTL.dividedBy(6))
                .migrate(true)
                .build();
    }

    /** Arguments: name, redis, database, fenced or unfenced, payments, longest work in ms, threads. */
    public static void main(String[] args) throws InterruptedException, SQLException {
        // Threads of the store would keep a process alive whose main thread has failed.
        Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
        });
        PaymentWorker worker = new PaymentWorker(List.of(args));
        CountDownLatch begun = new CountDownLatch(1);
        listenToTheTest(begun);
        System.out.println(worker.name + " is up");
        begun.await();
        List<Thread> threads = IntStream.range(0, Integer.parseInt(args[6]))
                .mapToObj(n -> new Thread(worker::work, "payer-" + n))
                .toList();
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.println(worker.name + " has finished");
        System.exit(0);
    }

    /** Payments begin with the first line: else the first worker may have paid all before the last one is up. */
    private static void listenToTheTest(CountDownLatch begun) {
        Thread watch = new Thread(() -> {
            try {
                int read = System.in.read();
                while (read >= 0) {
                    if (read == '\n') {
                        begun.countDown();
                    }
                    read = System.in.read();
                }
            } catch (IOException gone) {
                // The test has ended.
            }
            Runtime.getRuntime().halt(3);
        });
        watch.setDaemon(true);
        watch.start();
    }

    private void work() {
        while (left.get() > 0) {
            Integer payment = open.poll();
            if (payment == null) {
                pause(50);
                continue;
            }
            long again = pays(payment);
            if (again == 0) {
                left.decrementAndGet();
            } else {
                open.add(payment);
                pause(again);
            }
        }
    }

    /** In how many milliseconds somebody should look again; 0 if it is paid. */
    private long pays(int payment) {
        try {
            Admission admission = guard.admit(request(payment));
            return admission.fold(run -> pays(run, payment) ? 0 : SHORT, refusal -> switch (refusal.verdict()) {
                case DONE -> 0L;
                // While Redis forgets, the cores are not worn out by refusals.
                case UNAVAILABLE -> 2 * SHORT;
                default -> SHORT;
            });
        } catch (InterruptedException e) {
            return SHORT;
        }
    }

    /** Half of the payments wait for Redis to come back; the others trust the ledger, if there is one. */
    private RunRequest request(int payment) {
        RunRequest request = RunRequest.lock("account/" + payment % ACCOUNTS).once("payment/" + payment);
        return fenced && payment % 2 == 0
                ? request.tune(options -> options.withWhenUnavailable(WhenUnavailable.LEDGER_ONLY))
                : request;
    }

    private boolean pays(GuardedRun run, int payment) {
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            Thread.sleep(ThreadLocalRandom.current().nextInt(longestWork / 10, longestWork));
            pay(run, payment);
            return run.complete() == RunOutcome.COMPLETED;
        } catch (InterruptedException | LeaseLostException | SQLException broken) {
            run.fail(broken);
            return false;
        }
    }

    private void pay(GuardedRun run, int payment) throws SQLException, InterruptedException {
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            try {
                run.ensureHeld();
                record(connection, run, payment);
                // The moment at which a process that is frozen is late.
                Thread.sleep(ThreadLocalRandom.current().nextInt(longestWork / 10));
                if (fenced) {
                    run.completeIn(connection);
                }
                connection.commit();
            } catch (SQLException | RuntimeException | InterruptedException e) {
                connection.rollback();
                throw e;
            }
        }
    }

    private void record(Connection connection, GuardedRun run, int payment) throws SQLException {
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO effect (payment, token, worker) VALUES (?, ?, ?)")) {
            insert.setInt(1, payment);
            insert.setLong(2, run.fencingToken().value());
            insert.setString(3, name);
            insert.executeUpdate();
        }
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException late) {
            // Meant for a run that is over.
        }
    }
}

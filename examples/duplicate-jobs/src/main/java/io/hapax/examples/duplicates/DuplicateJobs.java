package io.hapax.examples.duplicates;

import io.hapax.JobGuard;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.quartz.SchedulerException;

/** Counts what replicas of Quartz and JobRunr do twice, without the guard and with it. */
public final class DuplicateJobs {

    private static final int REPLICAS = 3;
    private static final int FIRINGS = 5;
    private static final int ORDERS = 10;

    private DuplicateJobs() {}

    /**
     * What was done.
     *
     * @param invoices how many firings of the Quartz job there were
     * @param invoicesTwice how many of them ran more than once
     * @param orders how many orders were shipped
     * @param ordersTwice how many of them more than once
     */
    public record Outcome(int invoices, int invoicesTwice, int orders, int ordersTwice) {}

    /**
     * Runs the example.
     *
     * @param arguments none
     * @throws SchedulerException if Quartz cannot be started
     */
    public static void main(String[] arguments) throws SchedulerException {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            print(System.out, run(redis.url(), false), run(redis.url(), true));
        }
    }

    static Outcome run(String redisUrl, boolean guarded) throws SchedulerException {
        List<JobGuard> guards = new ArrayList<>();
        for (int replica = 1; replica <= REPLICAS; replica++) {
            if (guarded) {
                guards.add(guard(redisUrl, "replica-" + replica));
            }
        }
        Counts invoices = new Counts();
        Counts orders = new Counts();
        try (QuartzReplicas quartz = new QuartzReplicas();
                OrderQueue queue = new OrderQueue(orders)) {
            for (int replica = 0; replica < REPLICAS; replica++) {
                @Nullable JobGuard guard = guarded ? guards.get(replica) : null;
                quartz.start(guard, invoices);
                if (replica < 2) {
                    queue.start(guard, "server-" + replica);
                }
            }
            queue.work(ORDERS);
            while (invoices.things() < FIRINGS) {
                LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
            }
        }
        guards.forEach(JobGuard::close);
        return new Outcome(invoices.things(), invoices.twice(), orders.things(), orders.twice());
    }

    private static JobGuard guard(String redisUrl, String worker) {
        // This Redis was just started by the example, so the first grant need not wait for unknown holders.
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(redisUrl)
                .namespace("duplicate-jobs")
                .firstStart(WallClock.now())
                .build();
        return JobGuard.builder(store).worker(worker).closesStore().build();
    }

    private static void print(PrintStream out, Outcome without, Outcome with) {
        out.println("Three replicas with a Quartz scheduler each; two JobRunr servers, each order queued twice.");
        out.println();
        out.printf(Locale.ROOT, "%-30s %12s %12s%n", "", "without", "with Hapax");
        out.printf(Locale.ROOT, "%-30s %12d %12d%n", "invoices that were due", without.invoices(), with.invoices());
        out.printf(
                Locale.ROOT,
                "%-30s %12d %12d%n",
                "  written more than once",
                without.invoicesTwice(),
                with.invoicesTwice());
        out.printf(Locale.ROOT, "%-30s %12d %12d%n", "orders shipped", without.orders(), with.orders());
        out.printf(Locale.ROOT, "%-30s %12d %12d%n", "  more than once", without.ordersTwice(), with.ordersTwice());
        out.println();
        out.printf(
                Locale.ROOT,
                "hapax-example name=duplicate-jobs invoices_twice=%d orders_twice=%d%n",
                with.invoicesTwice(),
                with.ordersTwice());
    }
}

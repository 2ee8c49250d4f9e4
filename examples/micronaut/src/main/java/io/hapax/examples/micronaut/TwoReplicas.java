package io.hapax.examples.micronaut;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.micronaut.context.ApplicationContext;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;

/**
 * Starts a Redis and two replicas of the shop, ships each order by both, and counts from outside what was done how often; then the
 * same without the guard. {@code REDIS_URL} names another Redis.
 */
public final class TwoReplicas {

    private static final int ORDERS = 8;
    private static final int FIRINGS = 4;
    private static final long PATIENCE_SECONDS = 60;

    private TwoReplicas() {}

    /**
     * What came of it.
     *
     * @param mails how often mails were sent
     * @param firingsTwice how many firings sent them more than once; nobody tells without the guard
     * @param prices how often prices were updated
     * @param seconds for how long the replicas were running
     * @param orders how many orders were shipped
     * @param ordersTwice how many of them more than once
     */
    public record Outcome(long mails, long firingsTwice, long prices, long seconds, long orders, long ordersTwice) {}

    /**
     * Runs the example.
     *
     * @param arguments none
     */
    public static void main(String[] arguments) {
        String named = System.getenv("REDIS_URL");
        EmbeddedRedis own = named == null ? EmbeddedRedis.start() : null;
        try {
            String url = own == null ? String.valueOf(named) : own.url();
            Outcome without = run(url, false);
            Outcome with = run(url, true);
            print(System.out, without, with);
        } finally {
            if (own != null) {
                own.close();
            }
        }
    }

    static Outcome run(String redisUrl, boolean guarded) {
        Counts counts = new Counts();
        String namespace = "shop-" + UUID.randomUUID();
        Map<String, Object> settings = Map.of(
                "shop.redis.url", redisUrl,
                "shop.redis.namespace", namespace,
                "hapax.enabled", guarded);
        try (ApplicationContext one = replica(settings, counts, order -> {});
                ApplicationContext two = replica(settings, counts, order -> {})) {
            for (int order = 1; order <= ORDERS; order++) {
                for (ApplicationContext each : List.of(one, two)) {
                    var unused = each.getBean(Shop.class).ship(order % 2, order);
                }
            }
            long begun = counts.seconds();
            while (counts.seconds() < begun + PATIENCE_SECONDS
                    && (sum(counts.of("mails")) < FIRINGS || counts.seconds() < begun + FIRINGS)) {
                LockSupport.parkNanos(50_000_000);
            }
        }
        Map<String, Long> mails = counts.of("mails");
        Map<String, Long> orders = counts.of("order");
        return new Outcome(
                sum(mails),
                guarded ? twice(mails) : 0,
                sum(counts.of("prices")),
                counts.seconds(),
                orders.size(),
                twice(orders));
    }

    static ApplicationContext replica(Map<String, Object> settings, Counts counts, Delivery delivery) {
        return ApplicationContext.builder()
                .properties(settings)
                .properties(Map.of("shop.redis.first-start", WallClock.now()))
                .singletons(counts, delivery)
                .banner(false)
                .start();
    }

    private static long sum(Map<String, Long> done) {
        return done.values().stream().mapToLong(times -> times).sum();
    }

    private static long twice(Map<String, Long> done) {
        return done.values().stream().filter(times -> times > 1).count();
    }

    private static void print(PrintStream out, Outcome without, Outcome with) {
        out.println("Two replicas of one Micronaut application; each order was shipped by both.");
        out.println();
        out.printf(Locale.ROOT, "%-34s %12s %12s%n", "", "without", "with Hapax");
        row(out, "seconds", without.seconds(), with.seconds());
        row(out, "mails (@Scheduled cron, each 1 s)", without.mails(), with.mails());
        row(out, "prices (@Scheduled rate, 500 ms)", without.prices(), with.prices());
        row(out, "orders shipped", without.orders(), with.orders());
        row(out, "  of these more than once", without.ordersTwice(), with.ordersTwice());
        out.println();
        out.printf(
                Locale.ROOT,
                "hapax-example name=micronaut firings_twice=%d orders_twice=%d%n",
                with.firingsTwice(),
                with.ordersTwice());
    }

    private static void row(PrintStream out, String what, long without, long with) {
        out.printf(Locale.ROOT, "%-34s %12d %12d%n", what, without, with);
    }
}

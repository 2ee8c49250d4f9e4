package io.hapax.examples.spring;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.scheduling.JobScheduler;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.support.GenericApplicationContext;

/**
 * Starts a Redis and two replicas of the shop, queues each order twice, and counts from outside what was done how often; then the
 * same without the guard. {@code REDIS_URL} names another Redis.
 */
public final class TwoReplicas {

    private static final int ORDERS = 8;
    private static final long PATIENCE_SECONDS = 180;
    private static final Duration BEFORE_IMPORT = Duration.ofSeconds(8);

    private TwoReplicas() {}

    /**
     * What came of it.
     *
     * @param firings how many firings of the Quartz job there were
     * @param firingsTwice how many of them ran more than once
     * @param orders how many orders were shipped
     * @param ordersTwice how many of them more than once
     * @param imports how often the file was imported that was queued three times
     * @param updates how often prices were updated
     */
    public record Outcome(long firings, long firingsTwice, long orders, long ordersTwice, long imports, long updates) {}

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
        ConfigurableApplicationContext one = replica(redisUrl, namespace, guarded, counts, "one");
        ConfigurableApplicationContext two = replica(redisUrl, namespace, guarded, counts, "two");
        try (one;
                two) {
            List<UUID> queued = new ArrayList<>();
            for (ConfigurableApplicationContext each : List.of(one, two)) {
                JobScheduler scheduler = each.getBean(JobScheduler.class);
                for (int order = 1; order <= ORDERS; order++) {
                    int number = order;
                    int customer = order % 2;
                    queued.add(scheduler
                            .<ShopApplication.Orders>enqueue(orders -> orders.ship(customer, number))
                            .asUUID());
                }
            }
            JobScheduler scheduler = one.getBean(JobScheduler.class);
            // Once the first has run, the file may be imported again; so all three are queued before that.
            Instant soon = WallClock.now().plus(BEFORE_IMPORT);
            for (int time = 0; time < 3; time++) {
                queued.add(scheduler
                        .<ShopApplication.Orders>schedule(soon, orders -> orders.importFile("stock.csv"))
                        .asUUID());
            }
            long end = counts.seconds() + PATIENCE_SECONDS;
            while (counts.seconds() < end
                    && !(isOver(counts, queued) && counts.of("mails").size() >= 6)) {
                LockSupport.parkNanos(100_000_000);
            }
        }
        Map<String, Long> mails = counts.of("mails");
        Map<String, Long> orders = counts.of("order");
        return new Outcome(
                mails.size(),
                twice(mails),
                orders.size(),
                twice(orders),
                counts.of("import").values().stream().mapToLong(n -> n).sum(),
                counts.of("prices").values().stream().mapToLong(n -> n).sum());
    }

    private static boolean isOver(Counts counts, List<UUID> queued) {
        return queued.stream()
                .map(id -> counts.storage().getJobById(id).getState())
                .allMatch(state -> state == StateName.SUCCEEDED || state == StateName.DELETED);
    }

    private static long twice(Map<String, Long> done) {
        return done.values().stream().filter(times -> times > 1).count();
    }

    private static ConfigurableApplicationContext replica(
            String redisUrl, String namespace, boolean guarded, Counts counts, String worker) {
        SpringApplication application = new SpringApplicationBuilder(ShopApplication.class)
                .logStartupInfo(false)
                .initializers(context -> ((GenericApplicationContext) context)
                        .registerBean(Counts.class, () -> counts, definition -> definition.setDestroyMethodName("")))
                .application();
        application.setRegisterShutdownHook(false);
        List<String> settings = new ArrayList<>(List.of(
                "--hapax.redis.url=" + redisUrl,
                "--hapax.redis.namespace=" + namespace,
                "--hapax.redis.first-start=" + WallClock.now(),
                "--hapax.worker=" + worker,
                "--hapax.enabled=" + guarded));
        return application.run(settings.toArray(String[]::new));
    }

    private static void print(PrintStream out, Outcome without, Outcome with) {
        out.println("Two replicas of one Spring Boot application; each order was queued twice, one file three times.");
        out.println();
        out.printf(Locale.ROOT, "%-34s %12s %12s%n", "", "without", "with Hapax");
        row(out, "Quartz firings", without.firings(), with.firings());
        row(out, "  of these run more than once", without.firingsTwice(), with.firingsTwice());
        row(out, "orders shipped by JobRunr", without.orders(), with.orders());
        row(out, "  of these more than once", without.ordersTwice(), with.ordersTwice());
        row(out, "imports of the file", without.imports(), with.imports());
        row(out, "updates of prices (@Scheduled)", without.updates(), with.updates());
        out.println();
        out.printf(
                Locale.ROOT,
                "hapax-example name=spring-boot firings_twice=%d orders_twice=%d imports=%d%n",
                with.firingsTwice(),
                with.ordersTwice(),
                with.imports());
    }

    private static void row(PrintStream out, String what, long without, long with) {
        out.printf(Locale.ROOT, "%-34s %12d %12d%n", what, without, with);
    }
}

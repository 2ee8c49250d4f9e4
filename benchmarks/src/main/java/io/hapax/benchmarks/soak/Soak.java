package io.hapax.benchmarks.soak;

import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.ChildJvm;
import io.hapax.benchmarks.harness.Table;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Lets three workers hold leases and do short runs for a long time, while one of them is killed and started again each minute, and
 * looks before each kill at what ought not to grow: memory, threads, files and meters of the two that live on, connections, memory
 * and keys of Redis.
 */
public final class Soak {

    private static final int MOST = 10_000_000;
    /** The one that is killed holds a tenth. */
    private static final int PART_OF_SHORT_LIVED = 10;

    private static final int RETENTION_SECONDS = 20;
    /** Done markers and leases of before have to be there in full, so that they no longer grow. */
    private static final int FILLING_SECONDS = 45;

    private static final double MEGABYTE = 1024 * 1024;

    private final EmbeddedRedis redis;
    private final String begun = WallClock.now().toString();
    private final int held;
    private final int aSecond;
    private final Map<String, Trend> trends = new LinkedHashMap<>();
    private final Set<String> wrong = new LinkedHashSet<>();
    private final long start = System.nanoTime();
    private long runs;

    private Soak(EmbeddedRedis redis, int held, int aSecond) {
        this.redis = redis;
        this.held = held;
        this.aSecond = aSecond;
    }

    /**
     * Ends with code 1 if something grew, a lease was lost, or a run failed.
     *
     * @param args {@code --minutes=60}, {@code --held=50000} leases, {@code --rate=1000} short runs a second, {@code --restart=60}
     *     seconds after which a worker is started again, {@code --csv=file}; {@code --quick} is 5 minutes with 1 000 leases and 100
     *     runs a second
     * @throws Exception if something breaks
     */
    public static void main(String[] args) throws Exception {
        try {
            System.exit(run(Arguments.of(args).only("quick", "minutes", "held", "rate", "restart", "csv")));
        } catch (IllegalArgumentException wrong) {
            System.err.println(wrong.getMessage());
            System.exit(2);
        }
    }

    private static int run(Arguments arguments) throws IOException, InterruptedException {
        boolean quick = arguments.quick();
        long minutes = arguments.number("minutes", quick ? 5 : 60, 1, MOST);
        int restart = arguments.number("restart", quick ? 15 : 60, 1, MOST);
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            Soak soak = new Soak(
                    redis,
                    arguments.number("held", quick ? 1_000 : 50_000, 0, MOST),
                    arguments.number("rate", quick ? 100 : 1_000, 0, MOST));
            soak.live(TimeUnit.MINUTES.toNanos(minutes), restart);
            return soak.report(arguments.csv()) ? 0 : 1;
        }
    }

    private ChildJvm worker(String name, int leases) throws IOException {
        return ChildJvm.start(
                SoakWorker.class,
                List.of("-Xmx1g", "-XX:+UseSerialGC", "-XX:-UsePerfData"),
                redis.url(),
                name,
                begun,
                Integer.toString(leases),
                Integer.toString(aSecond / 3),
                Integer.toString(RETENTION_SECONDS));
    }

    private void live(long nanos, int restart) throws IOException, InterruptedException {
        int most = held - held / PART_OF_SHORT_LIVED;
        try (ChildJvm keeper = worker("keeper", most);
                ChildJvm steady = worker("steady", 0)) {
            long filled = System.nanoTime() + TimeUnit.SECONDS.toNanos(FILLING_SECONDS);
            for (int life = 0; System.nanoTime() - start < nanos; life++) {
                try (ChildJvm mortal = worker("mortal-" + life, held / PART_OF_SHORT_LIVED)) {
                    TimeUnit.SECONDS.sleep(restart);
                    List<double[]> figures = List.of(figures(keeper), figures(steady), figures(mortal));
                    if (System.nanoTime() - filled > 0) {
                        look(figures);
                    }
                    judge("keeper", figures.get(0));
                    judge("steady", figures.get(1));
                    judge("mortal", figures.get(2));
                    runs += (long) figures.get(2)[4];
                }
            }
            runs += (long) figures(keeper)[4] + (long) figures(steady)[4];
        }
    }

    private static double[] figures(ChildJvm worker) throws IOException {
        return Arrays.stream(worker.ask("figures").split(" ", -1))
                .mapToDouble(Double::parseDouble)
                .toArray();
    }

    private void judge(String worker, double[] figures) {
        if (figures[5] > 0 || figures[6] > 0) {
            String what = String.format(
                    Locale.ROOT, "%s: %.0f runs failed, %.0f leases lost", worker, figures[5], figures[6]);
            // Nobody wants to wait for the end of the hour.
            if (wrong.add(what)) {
                System.out.println((System.nanoTime() - start) / 1_000_000_000L + " s: " + what);
            }
        }
    }

    private void look(List<double[]> figures) {
        double seconds = (System.nanoTime() - start) / 1e9;
        List<String> names = List.of("keeper", "steady");
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            double[] now = figures.get(i);
            add(name + ": heap after a collection, MB", 0.05, 3, seconds, now[0] / MEGABYTE);
            add(name + ": threads", 0, 2, seconds, now[1]);
            add(name + ": open files", 0, 4, seconds, now[2]);
            add(name + ": meters", 0, 0.5, seconds, now[3]);
        }
        String info = redis.command("INFO");
        add("Redis: connections", 0, 3, seconds, number(info, "connected_clients"));
        add("Redis: memory, MB", 0.05, 1, seconds, number(info, "used_memory") / MEGABYTE);
        add("Redis: keys", 0.05, 200, seconds, Double.parseDouble(redis.command("DBSIZE")));
    }

    private void add(String name, double share, double amount, double seconds, double value) {
        trends.computeIfAbsent(name, what -> new Trend(what, share, amount)).add(seconds, value);
    }

    private static double number(String info, String field) {
        return info.lines()
                .filter(line -> line.startsWith(field + ":"))
                .map(line ->
                        Double.parseDouble(line.substring(field.length() + 1).trim()))
                .findFirst()
                .orElseThrow();
    }

    /** Whether all is as it ought to be. */
    private boolean report(Optional<Path> csv) throws IOException {
        Table table = new Table("what", "first", "last", "mean", "an hour", "grew by", "may grow by", "verdict");
        boolean good = wrong.isEmpty();
        for (Trend trend : trends.values()) {
            String verdict = !trend.isKnown() ? "too few figures" : trend.isFlat() ? "flat" : "GROWS";
            good &= verdict.equals("flat");
            table.row(
                    trend.name(),
                    trend.first(),
                    trend.last(),
                    trend.mean(),
                    trend.slope() * TimeUnit.HOURS.toSeconds(1),
                    trend.growth(),
                    trend.allowed(),
                    verdict);
        }
        if (csv.isPresent()) {
            table.write(csv.get());
        }
        System.out.println(runs + " runs, " + held + " leases held, " + (System.nanoTime() - start) / 1_000_000_000L
                + " s: " + (good ? "nothing grows" : "not as it ought to be"));
        return good;
    }
}

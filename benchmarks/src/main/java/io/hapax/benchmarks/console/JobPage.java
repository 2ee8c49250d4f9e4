package io.hapax.benchmarks.console;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.Table;
import io.hapax.console.Console;
import io.hapax.event.GuardEvent;
import io.hapax.event.RunOutcome;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.File;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;

/**
 * How long the console takes to answer for the page of a job of which ten workers remember a thousand occurrences: twenty
 * requests, as a page makes them that is open, and one after nobody has looked for a while, which has to wake the workers.
 */
public final class JobPage {

    private static final String JOB = "sync-orders";
    private static final int WORKERS = 10;
    private static final int OF_EACH = 100;
    private static final int REQUESTS = 20;
    private static final Duration GOAL = Duration.ofMillis(300);

    private final List<RedissonLeaseStore> stores = new ArrayList<>();
    private final List<JobGuard> guards = new ArrayList<>();
    private final List<Console> consoles = new ArrayList<>();
    private final HttpClient client = HttpClient.newHttpClient();

    private JobPage() {}

    /**
     * Measures.
     *
     * @param args none
     * @throws Exception if it cannot be measured
     */
    public static void main(String[] args) throws Exception {
        Arguments.of(args).only("quick");
        JobPage page = new JobPage();
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            try {
                for (int n = 0; n < WORKERS; n++) {
                    page.worker(redis, "worker-" + n);
                }
                page.measure();
            } finally {
                page.close();
            }
        }
    }

    private void worker(EmbeddedRedis redis, String name) {
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(redis.url())
                .namespace("shop")
                .firstStart(WallClock.now())
                .build();
        stores.add(store);
        Console console = Console.builder(store).build();
        consoles.add(console);
        JobGuard guard = JobGuard.builder(store)
                .worker(name)
                .withoutLogging()
                .listener(console)
                .build();
        guards.add(guard);
        for (int n = 0; n < OF_EACH; n++) {
            Lease lease = new Lease(
                    RunRequest.occurrence(JOB + "@" + name + "/" + n).identity(),
                    OwnerId.random(),
                    new FencingToken(n + 1),
                    name,
                    Duration.ofSeconds(30),
                    WallClock.now());
            console.on(new GuardEvent.Released(JOB, lease, RunOutcome.COMPLETED, Duration.ofMillis(100 + n)));
        }
        console.start(guard);
    }

    private void measure() throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory("job-page").toString());
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context context = tomcat.addContext("", new File(".").getAbsolutePath());
        Wrapper wrapper = Tomcat.addServlet(context, "console", consoles.get(0).servlet());
        wrapper.setAsyncSupported(true);
        wrapper.addMapping("/*");
        tomcat.start();
        try {
            URI page = URI.create("http://localhost:" + tomcat.getConnector().getLocalPort() + "/api/job?name=" + JOB);
            double first = millis(page);
            List<Double> all = new ArrayList<>();
            for (int n = 0; n < REQUESTS; n++) {
                all.add(millis(page));
                Thread.sleep(250);
            }
            all.sort(null);
            Table table = new Table("occurrences", "median ms", "slowest ms", "first look ms", "goal ms");
            double median = all.get(REQUESTS / 2);
            table.row((long) WORKERS * OF_EACH, median, all.get(REQUESTS - 1), first, GOAL.toMillis());
            if (median > GOAL.toMillis()) {
                throw new IllegalStateException("the page takes longer than its goal: " + median + " ms");
            }
        } finally {
            tomcat.stop();
            tomcat.destroy();
        }
    }

    private double millis(URI page) throws Exception {
        long start = System.nanoTime();
        HttpResponse<String> answer = client.send(HttpRequest.newBuilder(page).build(), BodyHandlers.ofString());
        double millis = (System.nanoTime() - start) / 1e6;
        if (answer.statusCode() != 200 || !answer.body().contains("\"total\"")) {
            throw new IllegalStateException(answer.statusCode() + " " + answer.body());
        }
        int shown = answer.body().split("\"owner\":\"", -1).length - 1;
        if (shown != OF_EACH) {
            throw new IllegalStateException("the page shows " + shown + " occurrences instead of " + OF_EACH);
        }
        return millis;
    }

    private void close() {
        consoles.forEach(Console::close);
        guards.forEach(JobGuard::close);
        stores.forEach(RedissonLeaseStore::close);
    }
}

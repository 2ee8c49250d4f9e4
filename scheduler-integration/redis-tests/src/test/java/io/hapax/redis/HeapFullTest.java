package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.RunOutcome;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.OwnThread;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The heap of an application is full for longer than a lease lives, so that an allocation may fail in any thread: those of the guard, of the
 * store and of the client. Nobody believes in a lease that another process has, and when there is memory again, all goes on.
 */
@Tag("slow")
class HeapFullTest {

    private static final Duration TTL = Duration.ofSeconds(3);
    private static final int HELD = 20;
    private static final int TIMES = 3;
    /** On a machine that is busy with something else, nobody may get far while the heap is full. */
    private static final int MOST_TIMES = 20;

    private static final Duration LONGEST = Duration.ofSeconds(60);
    /** Of lines that are no log. */
    private static final String ANSWER = "> ";

    private static RunRequest request(String key) {
        return RunRequest.lock(key).ttl(TTL);
    }

    private static JobGuard guard(String url, GuardListener listener) {
        return JobGuard.builder(store(url)).closesStore().listener(listener).build();
    }

    private static RedissonLeaseStore store(String url) {
        return Fixture.openedHere(url, "heap", TTL, 6);
    }

    /** The application, in a JVM with a small heap. Obeys one order a line. */
    static final class Application {

        private static final int THREADS = 4;
        private static final int SHORT_KEYS = 50;

        private final Map<String, GuardedRun> held = new ConcurrentHashMap<>();
        /** Which of the runs were notified: 1. What is called back needs no memory, so that it fails for no want of its own. */
        private final AtomicIntegerArray notified = new AtomicIntegerArray(HELD);

        private final AtomicInteger released = new AtomicInteger();
        private final AtomicInteger completed = new AtomicInteger();
        private final AtomicInteger withoutMemory = new AtomicInteger();
        private final JobGuard guard;
        private Object @Nullable [] taken;

        Application(String url) {
            guard = guard(url, event -> {
                if (event instanceof GuardEvent.Released) {
                    released.incrementAndGet();
                }
            });
        }

        public static void main(String[] arguments) {
            try {
                Application application = new Application(arguments[0]);
                BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
                System.out.println(ANSWER + "started");
                for (String order = orders.readLine(); order != null; order = orders.readLine()) {
                    System.out.println(ANSWER + application.obey(order));
                }
                Runtime.getRuntime().halt(0);
            } catch (Throwable failed) {
                failed.printStackTrace(System.out);
                Runtime.getRuntime().halt(1);
            }
        }

        private String obey(String order) throws InterruptedException {
            return switch (order) {
                case "hold" -> hold();
                case "work" -> work();
                case "fill" -> fill();
                case "believed" -> String.join(",", believed());
                case "notified" ->
                    IntStream.range(0, HELD)
                            .filter(n -> notified.get(n) == 1)
                            .mapToObj(n -> "held-" + n)
                            .collect(Collectors.joining(","));
                case "later" -> later();
                case "counts" -> released.get() + " " + completed.get() + " " + withoutMemory.get();
                default -> throw new IllegalArgumentException(order);
            };
        }

        private String hold() throws InterruptedException {
            for (int n = 0; n < HELD; n++) {
                String key = "held-" + n;
                GuardedRun before = held.remove(key);
                if (before != null) {
                    before.close();
                }
                notified.set(n, 0);
                int number = n;
                GuardedRun run = admitted(key);
                run.onLeaseLost(loss -> notified.set(number, 1));
                // Never closed: it is running until the lease is lost.
                GuardedRun.Scope unused = run.enter(OnLeaseLost.SIGNAL);
                held.put(key, run);
            }
            return "held";
        }

        /** A refusal passes: another process has the key, or the client is not connected yet. */
        private GuardedRun admitted(String key) throws InterruptedException {
            for (long end = System.nanoTime() + LONGEST.toNanos(); System.nanoTime() - end < 0; ) {
                if (guard.admit(request(key)) instanceof Admission.Admitted admitted) {
                    return admitted.run();
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
            throw new IllegalStateException(key + " is refused: " + guard.admit(request(key)));
        }

        /** Short runs all the while. */
        private String work() {
            for (int n = 0; n < THREADS; n++) {
                int first = n;
                Thread thread = new Thread(() -> {
                    for (int run = first; ; run++) {
                        try {
                            boolean unused = guard.<Boolean, RuntimeException>run(
                                            request("short-" + run % SHORT_KEYS), here -> true)
                                    .fold(ran -> completed.incrementAndGet() > 0, refusal -> false);
                        } catch (OutOfMemoryError full) {
                            withoutMemory.incrementAndGet();
                        } catch (Throwable failed) {
                            // The application goes on.
                        }
                        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                    }
                });
                thread.setDaemon(true);
                thread.start();
            }
            return "working";
        }

        /** Takes whatever memory there is, again and again, for longer than a lease lives. */
        private String fill() {
            long end = System.nanoTime() + TTL.plusSeconds(1).toNanos();
            while (System.nanoTime() - end < 0) {
                for (int size = 1 << 20; size >= 1; size >>= 4) {
                    take(size);
                }
            }
            taken = null;
            return "free";
        }

        private void take(int size) {
            try {
                while (true) {
                    taken = new Object[] {taken, new byte[size]};
                }
            } catch (OutOfMemoryError full) {
                // That is what it is for.
            }
        }

        /** The keys whose runs believe that they hold them. */
        private List<String> believed() {
            List<String> keys = new ArrayList<>();
            held.forEach((key, run) -> {
                if (run.isHeld()) {
                    keys.add(key);
                }
            });
            return keys;
        }

        /** A run that is longer than a lease lives. */
        private String later() throws InterruptedException {
            GuardedRun run = admitted("later");
            try (GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
                for (long end = System.nanoTime() + TTL.multipliedBy(2).toNanos(); System.nanoTime() - end < 0; ) {
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
                }
                return String.valueOf(run.complete());
            }
        }
    }

    private static Process application(String url) throws IOException {
        return new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx48m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:-UsePerfData",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Application.class.getName(),
                        url))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static final int LAST_LINES = 40;

    private record Line(Process process, BufferedReader output) {

        String ask(String order) throws IOException {
            process.getOutputStream().write((order + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
            return answer();
        }

        /** Log lines come between. */
        String answer() throws IOException {
            Deque<String> last = new ArrayDeque<>();
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                if (line.startsWith(ANSWER)) {
                    return line.substring(ANSWER.length());
                }
                last.add(line);
                if (last.size() > LAST_LINES) {
                    last.remove();
                }
            }
            throw new IOException("the application ended; its last lines: " + last);
        }

        Set<String> keys(String order) throws IOException {
            String keys = ask(order);
            return keys.isEmpty() ? Set.of() : Set.of(keys.split(",", -1));
        }

        int[] counts() throws IOException {
            return Arrays.stream(ask("counts").split(" ", -1))
                    .mapToInt(Integer::parseInt)
                    .toArray();
        }
    }

    @Test
    void nobody_believes_in_a_lease_that_another_has_and_all_goes_on_when_there_is_memory_again() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            Process application = application(redis.url());
            JobGuard other = guard(redis.url(), event -> {});
            try {
                Line line = new Line(
                        application,
                        new BufferedReader(
                                new InputStreamReader(application.getInputStream(), StandardCharsets.UTF_8)));
                assertThat(line.answer()).isEqualTo("started");
                assertThat(line.ask("work")).isEqualTo("working");
                int taken = 0;
                for (int time = 1;
                        time <= TIMES || (time <= MOST_TIMES && (taken == 0 || line.counts()[2] == 0));
                        time++) {
                    taken += fullOnce(line, other);
                }
                assertThat(taken).as("leases that another process took").isPositive();
                assertThat(line.counts()[2])
                        .as("allocations of runs that failed")
                        .isPositive();
            } finally {
                application.destroyForcibly();
                assertThat(other.shutdown(Duration.ofSeconds(20))).isTrue();
            }
        }
    }

    /** Returns how many leases the other one has taken: perhaps none, where this process had no processor when they were free. */
    private static int fullOnce(Line line, JobGuard other) throws Exception {
        assertThat(line.ask("hold")).isEqualTo("held");
        CompletableFuture<String> free = OwnThread.supply(() -> {
            try {
                return line.ask("fill");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        Map<String, GuardedRun> taken = new HashMap<>();
        while (!free.isDone()) {
            for (int n = 0; n < HELD; n++) {
                String key = "held-" + n;
                if (!taken.containsKey(key) && other.admit(request(key)) instanceof Admission.Admitted admitted) {
                    GuardedRun.Scope unused = admitted.run().enter(OnLeaseLost.SIGNAL);
                    taken.put(key, admitted.run());
                }
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
        assertThat(free.get()).isEqualTo("free");
        assertThat(line.keys("believed")).noneMatch(taken::containsKey);
        await().atMost(LONGEST).until(() -> line.keys("notified").containsAll(taken.keySet()));
        taken.values().forEach(GuardedRun::complete);

        int[] before = line.counts();
        // A machine that is busy may be late with a renewal; one that nobody sends is late each time.
        await().atMost(LONGEST).until(() -> line.ask("later").equals(RunOutcome.COMPLETED.toString()));
        await().atMost(LONGEST).until(() -> {
            int[] now = line.counts();
            return now[0] > before[0] && now[1] > before[1];
        });
        return taken.size();
    }
}

package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.lease.Intervention;
import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.ref.WeakReference;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** An application server throws an application away: with it goes its class loader, after the guard was closed, or before. */
@Tag("slow")
class RedeployTest {

    private static final Duration TTL = Duration.ofSeconds(6);
    private static final Duration LONGEST = Duration.ofSeconds(60);
    private static final int MOST_TRIES = 10;

    private static RunRequest request(String key) {
        return RunRequest.lock(key).ttl(TTL);
    }

    /** Its answer timeout is what the ttl allows; a busy machine may need longer for the first answers. */
    private static RedissonLeaseStore store(String url) {
        for (int tries = 1; ; tries++) {
            try {
                return Fixture.store(url)
                        .namespace("redeploy")
                        .firstStart(WallClock.now())
                        .longestTtl(TTL)
                        .answerTimeout(TTL.dividedBy(5))
                        .build();
            } catch (LeaseStoreException late) {
                if (tries == MOST_TRIES) {
                    throw late;
                }
            }
        }
    }

    /** A store that is new may take a moment. */
    private static GuardedRun admitted(JobGuard guard) throws InterruptedException {
        for (int n = 0; n < 100; n++) {
            if (guard.admit(request("held")) instanceof Admission.Admitted admitted) {
                return admitted.run();
            }
            Thread.sleep(50);
        }
        throw new IllegalStateException(guard.admit(request("held")).toString());
    }

    /** What is deployed. Obeys one order a call. */
    public static final class Application implements UnaryOperator<String> {

        private @Nullable JobGuard guard;
        private @Nullable GuardedRun run;

        /** Created by reflection. */
        public Application() {}

        @Override
        public String apply(String order) {
            try {
                return obey(order);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        private String obey(String order) throws InterruptedException {
            switch (order) {
                case "hold" -> {
                    run = admitted(guard);
                    GuardedRun.Scope unused = run.enter(OnLeaseLost.SIGNAL);
                    // Somebody waits, so that the store listens to wake-ups.
                    Admission refused = guard.admitAsync(request("held").waitAtMost(Duration.ofMillis(300)))
                            .join();
                    return refused instanceof Admission.Refused ? "held" : refused.toString();
                }
                case "isHeld" -> {
                    return String.valueOf(run.isHeld());
                }
                case "complete" -> {
                    return String.valueOf(run.complete());
                }
                case "close" -> {
                    guard.close();
                    return "closed";
                }
                case "shutdown" -> {
                    return String.valueOf(guard.shutdown(Duration.ofSeconds(20)));
                }
                default -> {
                    guard = JobGuard.builder(store(order)).closesStore().build();
                    return "started";
                }
            }
        }
    }

    /**
     * A class loader with all that is on the class path, but for Netty's native transport: the JVM keeps a loader with a native library that
     * refers to its classes.
     */
    private static URLClassLoader loader() {
        URL[] urls = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> !entry.contains("netty-transport-native-epoll"))
                .map(RedeployTest::url)
                .toArray(URL[]::new);
        return new URLClassLoader("application", urls, ClassLoader.getPlatformClassLoader());
    }

    private static URL url(String entry) {
        try {
            return Path.of(entry).toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(entry, e);
        }
    }

    @SuppressWarnings("unchecked")
    private static UnaryOperator<String> deployed(URLClassLoader loader) throws Exception {
        return (UnaryOperator<String>)
                loader.loadClass(Application.class.getName()).getConstructor().newInstance();
    }

    /** In a thread of the application, which ends, as its thread-local values do. */
    private static <T> T inItsThread(ClassLoader loader, Callable<T> task) throws Exception {
        FutureTask<T> future = new FutureTask<>(task);
        Thread thread = new Thread(future, "application");
        thread.setContextClassLoader(loader);
        thread.start();
        T answer = future.get();
        thread.join();
        return answer;
    }

    /** An application server, in a JVM that does not keep what nobody but a cache refers to. */
    static final class Server {

        private static final int DEPLOYMENTS = 4;

        /** JDK 17 remembers the last record whose equals it has made (MethodHandle.asTypeCache). */
        private static final int KEPT_BY_JAVA = 1;

        public static void main(String[] arguments) {
            try {
                List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
                for (int n = 0; n < DEPLOYMENTS; n++) {
                    // As applications do it, and as adapters do that have a guard of their own.
                    String end = n % 2 == 0 ? "shutdown" : "close";
                    loaders.add(deployedAndGone(arguments[0], end));
                }
                long latest = System.nanoTime() + LONGEST.toNanos();
                while (count(loaders) > KEPT_BY_JAVA && System.nanoTime() - latest < 0) {
                    System.gc();
                    Thread.sleep(100);
                }
                System.out.println(
                        count(loaders) <= KEPT_BY_JAVA
                                ? "gone"
                                : count(loaders) + " loaders are still there; threads: "
                                        + Thread.getAllStackTraces().keySet());
                Runtime.getRuntime().halt(0);
            } catch (Throwable failed) {
                failed.printStackTrace(System.out);
                Runtime.getRuntime().halt(1);
            }
        }

        private static long count(List<WeakReference<ClassLoader>> loaders) {
            return loaders.stream().filter(loader -> !loader.refersTo(null)).count();
        }

        private static WeakReference<ClassLoader> deployedAndGone(String url, String end) throws Exception {
            URLClassLoader loader = loader();
            inItsThread(loader, () -> {
                UnaryOperator<String> application = deployed(loader);
                expect("started", application.apply(url));
                expect("held", application.apply("hold"));
                awaitRenewal(url);
                expect("true", application.apply("isHeld"));
                expect("COMPLETED", application.apply("complete"));
                expect(end.equals("close") ? "closed" : "true", application.apply(end));
                return true;
            });
            loader.close();
            return new WeakReference<>(loader);
        }

        /** Until the lease lives longer again than a moment before. */
        private static void awaitRenewal(String url) throws InterruptedException {
            EmbeddedRedis redis = EmbeddedRedis.external(url);
            long end = System.nanoTime() + LONGEST.toNanos();
            long before = Long.MAX_VALUE;
            for (long left = left(redis); left <= before; left = left(redis)) {
                if (System.nanoTime() - end > 0) {
                    throw new IllegalStateException("was not renewed");
                }
                before = left;
                Thread.sleep(50);
            }
        }

        private static long left(EmbeddedRedis redis) {
            return Long.parseLong(redis.command("PTTL", "hapax:{redeploy:0}:l:held"));
        }

        private static void expect(String wanted, String answer) {
            if (!answer.equals(wanted)) {
                throw new IllegalStateException(answer + " instead of " + wanted);
            }
        }
    }

    @Test
    void no_thread_and_no_class_stays_of_an_application_whose_guard_was_closed() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            assertThat(said(Server.class, redis)).contains("gone");
        }
    }

    /** A server that closes the class loader of an application which has forgotten to close its guard. */
    static final class ForgottenGuard {

        public static void main(String[] arguments) {
            try {
                forgotten(arguments[0]);
                System.out.println("does not believe");
                Runtime.getRuntime().halt(0);
            } catch (Throwable failed) {
                failed.printStackTrace(System.out);
                Runtime.getRuntime().halt(1);
            }
        }

        private static void forgotten(String url) throws Exception {
            URLClassLoader loader = loader();
            RedissonLeaseStore store = store(url);
            JobGuard other = JobGuard.builder(store).build();
            UnaryOperator<String> application = inItsThread(loader, () -> deployed(loader));
            Server.expect("started", inItsThread(loader, () -> application.apply(url)));
            Server.expect("held", inItsThread(loader, () -> application.apply("hold")));
            Server.awaitRenewal(url);
            Server.awaitRenewal(url);
            // The first one is over; from now on no class can be loaded any more.
            Server.expect("true", application.apply("isHeld"));
            loader.close();
            Intervention operator = new Intervention("tester", "another is to have it");
            Fixture.get(store.admin().forceRelease(request("held").identity(), operator));
            await().atMost(LONGEST).until(() -> other.admit(request("held")) instanceof Admission.Admitted);
            await().atMost(LONGEST).until(() -> application.apply("isHeld").equals("false"));
            // Closing does what can be done without classes, and fails no caller.
            String unused = application.apply("shutdown");
        }
    }

    @Test
    void a_run_whose_classes_are_gone_does_not_believe_in_a_lease_that_another_has() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            assertThat(said(ForgottenGuard.class, redis)).contains("does not believe");
        }
    }

    private static List<String> said(Class<?> main, EmbeddedRedis redis) throws IOException {
        Process server = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:SoftRefLRUPolicyMSPerMB=0",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName(),
                        redis.url()))
                .redirectErrorStream(true)
                .start();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8))) {
            return output.lines().toList();
        } finally {
            server.destroyForcibly();
        }
    }
}

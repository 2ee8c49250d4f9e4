package io.hapax.spring;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** Replicas of an application whose ttl is raised while they run; it says what each of them saw, and ends. */
public final class FirstHourRollingChange {

    private static final RunRequest REPORT = RunRequest.lock("report");
    private static final Duration LONGEST = Duration.ofSeconds(60);

    /** So long that a busy machine renews in time. */
    private static final String TTL = "12s";

    private static final String RAISED_TTL = "14s";

    private final String[] settings;

    private FirstHourRollingChange(String[] settings) {
        this.settings = settings;
    }

    /** Its arguments are settings that all replicas have; the last one is that of the old ones alone. */
    public static void main(String[] settings) throws Exception {
        int common = settings.length - 1;
        try {
            new FirstHourRollingChange(Arrays.copyOf(settings, common)).change(settings[common]);
            System.out.println("well ended");
        } catch (Exception e) {
            e.printStackTrace();
        }
    }

    private void change(String firstStart) throws Exception {
        try (ConfigurableApplicationContext old = old(firstStart);
                GuardedRun report = awaited(old);
                GuardedRun.Scope reporting = report.enter()) {
            try (ConfigurableApplicationContext refused = raised()) {
                System.out.println("a new one: " + tried(refused));
            } catch (RuntimeException told) {
                System.out.println("a new one: did not start");
            }
            try (ConfigurableApplicationContext raised = raised("--hapax.redis.replace-settings=true")) {
                System.out.println("new while a run of old goes on: " + tried(raised));
                report.ensureHeld();
                System.out.println("the run of old: " + report.complete());
                beside(old, raised, firstStart);
            }
        }
        try (ConfigurableApplicationContext last = raised()) {
            System.out.println("new without old: " + tried(last));
        }
    }

    private void beside(ConfigurableApplicationContext old, ConfigurableApplicationContext raised, String firstStart)
            throws Exception {
        try (GuardedRun later = awaited(raised);
                GuardedRun.Scope working = later.enter()) {
            System.out.println("old beside a run of new: " + answered(old));
            later.complete();
        }
        try (GuardedRun later = awaited(old);
                GuardedRun.Scope working = later.enter();
                ConfigurableApplicationContext third = old(firstStart)) {
            System.out.println("new beside a run of old: " + answered(raised));
            System.out.println("another old one beside it: " + answered(third));
            later.complete();
        }
    }

    private ConfigurableApplicationContext old(String firstStart) {
        return replica(
                "--hapax.worker=old", "--hapax.defaults.ttl=" + TTL, "--hapax.redis.longest-ttl=" + TTL, firstStart);
    }

    private ConfigurableApplicationContext raised(String... more) {
        return replica(Stream.concat(
                        Stream.of(
                                "--hapax.worker=new",
                                "--hapax.defaults.ttl=" + RAISED_TTL,
                                "--hapax.redis.longest-ttl=" + RAISED_TTL),
                        Arrays.stream(more))
                .toArray(String[]::new));
    }

    private ConfigurableApplicationContext replica(String... own) {
        return SpringApplication.run(
                FirstHourApplication.class,
                Stream.concat(Arrays.stream(settings), Arrays.stream(own)).toArray(String[]::new));
    }

    private static Optional<GuardedRun> admitted(ConfigurableApplicationContext replica) throws InterruptedException {
        return replica.getBean(JobGuard.class).admit(REPORT).fold(Optional::of, refusal -> Optional.empty());
    }

    /** Where nothing is granted for a while, that passes. */
    private static GuardedRun awaited(ConfigurableApplicationContext replica) throws InterruptedException {
        long begun = System.nanoTime();
        Optional<GuardedRun> run = admitted(replica);
        while (run.isEmpty() && System.nanoTime() - begun < LONGEST.toNanos()) {
            LockSupport.parkNanos(50_000_000);
            run = admitted(replica);
        }
        return run.orElseThrow();
    }

    /** The store of a busy machine may once answer too late. */
    private static String answered(ConfigurableApplicationContext replica) throws InterruptedException {
        long begun = System.nanoTime();
        String answer = tried(replica);
        while (answer.endsWith("UNAVAILABLE") && System.nanoTime() - begun < LONGEST.toNanos()) {
            LockSupport.parkNanos(50_000_000);
            answer = tried(replica);
        }
        return answer;
    }

    private static String tried(ConfigurableApplicationContext replica) throws InterruptedException {
        return replica.getBean(JobGuard.class)
                .run(REPORT, run -> "ran")
                .fold(ran -> "ran", refusal -> "refused " + refusal.verdict());
    }
}

package io.hapax.benchmarks.inprocess;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.RunOutcome;
import io.hapax.lease.OwnerId;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The steps of a run over a store that answers at once. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Benchmark)
public class GuardBenchmark {

    private static final int KEYS = 1024;

    private final JobGuard guard = JobGuard.builder(new InstantStore())
            .worker("bench")
            .withoutLogging()
            .build();

    /** Called by JMH. */
    public GuardBenchmark() {}

    /** The keys of one caller. */
    @State(Scope.Thread)
    public static class Keys {

        private final String[] names = new String[KEYS];
        private int next;

        /** Called by JMH. */
        public Keys() {}

        /** Makes the names, so that a run does not pay for them. */
        @Setup(Level.Trial)
        public void name() {
            for (int n = 0; n < KEYS; n++) {
                names[n] = "invoice/" + Thread.currentThread().getId() + "/" + n;
            }
        }

        String next() {
            return names[next++ % KEYS];
        }
    }

    /** Ends the watchdog. */
    @TearDown(Level.Trial)
    public void close() {
        guard.close();
    }

    /**
     * A whole run under a lock key.
     *
     * @param keys the caller's keys
     * @return how it ended
     * @throws InterruptedException never
     */
    @Benchmark
    public RunOutcome lockKey(Keys keys) throws InterruptedException {
        return run(RunRequest.lock(keys.next()));
    }

    /**
     * A whole run under a run key.
     *
     * @param keys the caller's keys
     * @return how it ended
     * @throws InterruptedException never
     */
    @Benchmark
    public RunOutcome runKey(Keys keys) throws InterruptedException {
        return run(RunRequest.occurrence(keys.next()));
    }

    private RunOutcome run(RunRequest request) throws InterruptedException {
        Admission admission = guard.admit(request);
        try (GuardedRun run = ((Admission.Admitted) admission).run();
                GuardedRun.Scope scope = run.enter()) {
            return run.complete();
        }
    }

    /**
     * A run that is admitted and given back: nobody works, nothing is renewed.
     *
     * @param keys the caller's keys
     * @return how it ended
     * @throws InterruptedException never
     */
    @Benchmark
    public RunOutcome withoutEntering(Keys keys) throws InterruptedException {
        Admission admission = guard.admit(RunRequest.lock(keys.next()));
        try (GuardedRun run = ((Admission.Admitted) admission).run()) {
            return run.complete();
        }
    }

    /**
     * The wish alone.
     *
     * @param keys the caller's keys
     * @return the request
     */
    @Benchmark
    public RunRequest request(Keys keys) {
        return RunRequest.lock(keys.next());
    }

    /**
     * The random name of a run.
     *
     * @return the name
     */
    @Benchmark
    public OwnerId owner() {
        return OwnerId.random();
    }
}

package io.hapax.cli;

import io.hapax.ActiveRun;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.lease.RunKey;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A program that is run under a lease, and ended when that is lost. Used once. */
final class GuardedCommand {

    private static final int NOT_EXECUTABLE = 126;
    private static final int NOT_FOUND = 127;
    /** So often in a ttl the guardian is sent how long the lease lives. */
    private static final int BEATS = 6;

    private final JobGuard guard;
    private final GuardedRun run;
    private final Duration grace;
    private final ExecSignals signals;

    GuardedCommand(JobGuard guard, GuardedRun run, Duration grace, ExecSignals signals) {
        this.guard = guard;
        this.run = run;
        this.grace = grace;
        this.signals = signals;
    }

    /** The program could not be started. */
    static final class NotStartedException extends Exception {
        private static final long serialVersionUID = 1;

        private final int exitCode;

        NotStartedException(String program, IOException cause) {
            super(program + " cannot be run: " + cause.getMessage(), cause);
            exitCode = String.valueOf(cause.getMessage()).contains("error=2,") ? NOT_FOUND : NOT_EXECUTABLE;
        }

        /** As shells tell it. */
        int exitCode() {
            return exitCode;
        }
    }

    /** Runs it, and returns its exit code. */
    int run(List<String> command, String key) throws NotStartedException, InterruptedException {
        GuardedProcess process;
        try {
            process = GuardedProcess.start(command, environment(key), grace, left());
        } catch (IOException e) {
            throw new NotStartedException(command.get(0), e);
        }
        signals.goTo(process);
        CompletableFuture<Void> ended = new CompletableFuture<>();
        run.onLeaseLost(loss -> end(process, ended));
        Duration beat = run.options().ttl().dividedBy(BEATS);
        while (!process.ends(beat)) {
            if (run.lost().isEmpty()) {
                process.lives(left());
            }
        }
        if (run.lost().isPresent()) {
            // What the program has started may outlive it.
            ended.join();
        }
        return process.exitCode();
    }

    private static void end(GuardedProcess process, CompletableFuture<Void> ended) {
        try {
            process.end();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended.complete(null);
        }
    }

    private Map<String, String> environment(String key) {
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("HAPAX_KEY", key);
        run.identity().run().map(RunKey::value).ifPresent(name -> environment.put("HAPAX_RUN_KEY", name));
        if (run.guarded()) {
            environment.put("HAPAX_FENCING_TOKEN", run.fencingToken().toString());
        }
        environment.put("HAPAX_ATTEMPT", Integer.toString(run.attempt()));
        return environment;
    }

    /** How long the lease lives from now on; zero if there is none, or it is lost. */
    private Duration left() {
        return guard.admin().runs().stream().map(ActiveRun::left).findFirst().orElse(Duration.ZERO);
    }
}

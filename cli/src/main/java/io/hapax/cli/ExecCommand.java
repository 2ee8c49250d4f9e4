package io.hapax.cli;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.OnConflict;
import io.hapax.OnLeaseLost;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.Setting;
import io.hapax.WhenUnavailable;
import io.hapax.cli.Signals.Ending;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ledger.LedgerException;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs any program under a lease. */
@Command(
        name = "exec",
        description =
                "Runs a program while it holds KEY: hapax exec KEY -- program arguments. Its exit code is that of the"
                        + " program, but for those below. If the lease is lost, the program and all that it has started get TERM, and KILL"
                        + " after the grace.")
final class ExecCommand implements Callable<Integer> {

    /** What makes sense for a program that is started once and knows nothing of its guard. */
    static final List<Setting<?>> SETTINGS = List.of(
            Setting.MAX_HOLD,
            Setting.RETENTION,
            Setting.WHEN_UNAVAILABLE,
            Setting.AFTER_CRASH,
            Setting.CONCURRENCY,
            Setting.THROTTLE);

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final LeaseOptions leases = new LeaseOptions();

    @Parameters(index = "0", paramLabel = "KEY", description = "the lock key: what must not overlap")
    private String key = "";

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "COMMAND", description = "after --: what to run")
    private List<String> command = List.of();

    @Option(
            names = "--once",
            paramLabel = "OCCURRENCE",
            description =
                    "run KEY@OCCURRENCE at most once, such as the planned time of a CronJob: one that has completed"
                            + " does not run again")
    private @Nullable String occurrence;

    @Option(
            names = "--wait",
            paramLabel = "DURATION",
            description = "wait so long for KEY if somebody holds it or has paused it; by default not at all")
    private @Nullable String wait;

    @Option(
            names = "--skip-ok",
            description =
                    "exit with 0 in place of 75, unless the occurrence is abandoned: for schedulers that take all else"
                            + " for a failure")
    private boolean skipOk;

    @Option(
            names = "--grace",
            paramLabel = "DURATION",
            description = "from TERM to KILL when the lease is lost, by default 10s")
    private String grace = "10s";

    @Option(names = "--ledger", description = "keep the run in the ledger in PostgreSQL as well, as the workers do")
    private boolean ledger;

    private @Nullable CommandSpec spec;
    private final ExecSignals signals = new ExecSignals();

    @Spec
    void in(CommandSpec command) {
        spec = command;
        RunSettingOptions.addTo(command, SETTINGS);
    }

    @Override
    public Integer call() throws Exception {
        RunRequest request = request();
        boolean failsOpen = request.options(RunOptions.DEFAULTS).whenUnavailable() == WhenUnavailable.FAIL_OPEN;
        Duration patience = DurationText.parse("--grace", grace);
        signals.catchThem();
        try {
            JobGuard guard = guard(failsOpen);
            try {
                Admission admission = guard.admit(request);
                return admission instanceof Admission.Admitted admitted
                        ? run(guard, admitted.run(), patience)
                        : refused(((Admission.Refused) admission).refusal());
            } finally {
                guard.close();
            }
        } catch (LeaseStoreException | LedgerException trouble) {
            return fail(String.valueOf(trouble.getMessage()), ExitCodes.STORE_SILENT);
        } catch (InterruptedException e) {
            Ending ending = signals.last();
            return fail(
                    "ended while it waited for " + key + ": nothing was run",
                    ending == null ? ExitCodes.FAILED : ending.exitCode());
        }
    }

    private RunRequest request() {
        if (spec == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        if (key.isBlank()) {
            throw new IllegalArgumentException("KEY must not be blank");
        }
        RunOptions options = RunSettingOptions.read(spec, SETTINGS, System.getenv(), RunOptions.DEFAULTS)
                .withTtl(leases.ttl())
                .withOnLeaseLost(OnLeaseLost.SIGNAL)
                .withOnConflict(wait == null ? OnConflict.SKIP : OnConflict.WAIT);
        if (wait != null) {
            options = options.withWaitTimeout(DurationText.parse("--wait", wait));
        }
        RunOptions chosen = options;
        RunRequest request = RunRequest.lock(key).job(key).tune(any -> chosen);
        return occurrence == null ? request : request.once(key + "@" + occurrence);
    }

    private JobGuard guard(boolean lazy) {
        var builder = JobGuard.builder(leases.openForRuns(common.namespace(), lazy))
                .closesStore()
                .withoutLogging();
        if (ledger) {
            builder.ledger(leases.database()
                    .builder(common.namespace(), leases.answerTimeoutOfDatabase())
                    .build());
        }
        return builder.build();
    }

    private int refused(Refusal refusal) {
        String cause = refusal.cause() == null ? "" : ": " + refusal.cause().getMessage();
        return fail(key + " was not run: " + refusal + cause, exitCode(refusal.verdict(), skipOk));
    }

    /** An abandoned occurrence needs a decision, so it never counts as a success. */
    static int exitCode(Verdict verdict, boolean skipOk) {
        return switch (verdict) {
            case UNAVAILABLE -> ExitCodes.STORE_SILENT;
            case ABANDONED -> ExitCodes.REFUSED;
            default -> skipOk ? ExitCodes.FINE : ExitCodes.REFUSED;
        };
    }

    private int run(JobGuard guard, GuardedRun run, Duration patience) throws Exception {
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            GuardedCommand work = new GuardedCommand(guard, run, patience, signals);
            int code = work.run(command, key);
            // The guard takes a failure for what it is, however late; the reader of the exit code has to know that it
            // was late.
            boolean late = run.guarded() && !run.isHeld();
            RunOutcome outcome =
                    code == ExitCodes.FINE ? run.complete() : run.fail(new IllegalStateException("exit code " + code));
            if (late || outcome == RunOutcome.LOST) {
                return fail(
                        "the lease of " + key + " was lost while the command ran ("
                                + run.lost().map(Enum::name).orElse(late ? "NOT_RENEWED" : "GONE")
                                + "); it ended with exit code " + code
                                + ", and another run may have been active at the same time",
                        ExitCodes.LEASE_LOST);
            }
            return code;
        } catch (LeaseLostException e) {
            return fail(
                    key + " was not run: its lease had lapsed before the command could start", ExitCodes.LEASE_LOST);
        } catch (GuardedCommand.NotStartedException e) {
            return fail(e.getMessage(), e.exitCode());
        }
    }

    private int fail(@Nullable String message, int exitCode) {
        if (spec == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        return HapaxCommandLine.failed(
                spec.commandLine(), common.isJson(), PlainText.withoutPasswords(String.valueOf(message)), exitCode);
    }
}

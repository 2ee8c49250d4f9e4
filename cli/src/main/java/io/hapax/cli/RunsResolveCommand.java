package io.hapax.cli;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AdministeredStore;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Decides about one occurrence that was abandoned, or is over. */
@Command(
        name = "resolve",
        description =
                "Decides about an abandoned occurrence, or lets one that is over run again, if --yes is given; else says"
                        + " what would happen. Find out first what its run has done.")
final class RunsResolveCommand implements Callable<Integer> {

    /** What an operator decides. */
    enum Decision {
        DONE(RunState.DONE, "count as done: it never runs again"),
        AGAIN(
                RunState.RELEASED,
                "be free to run again: the next worker that gets it runs it from the start. Next step: let the scheduler"
                        + " fire it; in JobRunr requeue the job, in Quartz trigger it");

        private final RunState state;
        private final String effect;

        Decision(RunState state, String effect) {
            this.state = state;
            this.effect = effect;
        }
    }

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final LeaseOptions leases = new LeaseOptions();

    @Mixin
    private final WhichRun which = new WhichRun();

    @Mixin
    private final WhoAndWhy whoAndWhy = new WhoAndWhy();

    @Option(
            names = "--as",
            paramLabel = "DECISION",
            required = true,
            description = "done: it has done its work, never run it again; again: it may run again")
    private Decision decision = Decision.DONE;

    @Option(
            names = "--token",
            paramLabel = "TOKEN",
            description = "only if the occurrence is abandoned by the run with this fencing token, which was looked at")
    private @Nullable Long token;

    /** As programs get it. */
    record Document(
            String namespace,
            boolean dryRun,
            boolean resolved,
            String decision,
            @Nullable RunView run,
            String actor,
            String reason,
            String message) {}

    @Override
    public Integer call() {
        JobIdentity identity = which.identity();
        Intervention why = whoAndWhy.intervention();
        common.findNamespace(leases.database()::namespacesOfLedger);
        try (RunLedger ledger = leases.database().open(common.namespace())) {
            Optional<LedgerEntry> entry = CommonOptions.answer(ledger.entry(identity));
            if (entry.isEmpty()) {
                return tell(null, false, why, which.none(common.namespace()));
            }
            RunView run = RunView.of(entry.get(), common.now());
            if (decision == Decision.AGAIN && isOver(entry.get().state())) {
                return again(ledger, entry.get(), run, why);
            }
            if (entry.get().state() != RunState.ABANDONED) {
                return tell(run, false, why, notAbandoned(run));
            }
            if (!whoAndWhy.isSure()) {
                return tell(
                        run,
                        false,
                        why,
                        which + " was started by " + run.worker() + " at " + PlainText.time(run.started())
                                + " (attempt "
                                + run.attempt() + ") and crashed. It would " + decision.effect + ".\n"
                                + whoAndWhy.how(" --token " + entry.get().token()));
            }
            FencingToken seen = token == null ? entry.get().token() : new FencingToken(token);
            boolean resolved = CommonOptions.answer(ledger.resolve(identity, seen, decision.state, why));
            return tell(
                    run,
                    resolved,
                    why,
                    resolved
                            ? which + " will " + decision.effect + ".\nNoted in the audit: " + why
                            : which
                                    + " is not abandoned by that run any more: somebody else has decided. Nothing was changed.");
        }
    }

    private static boolean isOver(RunState state) {
        return state == RunState.DONE || state == RunState.FAILED_FOR_GOOD;
    }

    /** The lease store remembers the end, too, and is changed first: as long as the ledger says that the run is over, nobody runs it. */
    private int again(RunLedger ledger, LedgerEntry entry, RunView run, Intervention why) {
        String was = which + " " + (entry.state() == RunState.DONE ? "has completed" : "has failed for good") + " at "
                + run.worker() + " (attempt " + run.attempt() + ")";
        if (!whoAndWhy.isSure()) {
            return tell(
                    run,
                    false,
                    why,
                    was + ". It would " + decision.effect + ".\n" + whoAndWhy.how(" --token " + entry.token()));
        }
        FencingToken seen = token == null ? entry.token() : new FencingToken(token);
        if (seen.equals(entry.token())) {
            try (AdministeredStore store = leases.open(common.namespace())) {
                boolean unused = leases.ask(store, admin -> admin.runAgain(entry.identity(), why));
            }
        }
        boolean released = CommonOptions.answer(ledger.runAgain(entry.identity(), seen, why));
        return tell(
                run,
                released,
                why,
                released
                        ? which + " will " + decision.effect + ".\nNoted in the audit: " + why
                        : which + " was not ended by that run, or somebody else has decided. Nothing was changed.");
    }

    private String notAbandoned(RunView run) {
        String hint = run.overdue()
                ? " Its run has crashed; it is marked as abandoned, or run again, when a worker next looks at it."
                : "";
        return which + " is not abandoned, but " + run.state().toLowerCase(Locale.ROOT) + ". Nothing was changed."
                + hint;
    }

    private int tell(@Nullable RunView run, boolean resolved, Intervention why, String message) {
        boolean dryRun = !whoAndWhy.isSure();
        common.print(
                new Document(
                        common.namespace(),
                        dryRun,
                        resolved,
                        decision.name().toLowerCase(Locale.ROOT),
                        run,
                        why.actor(),
                        why.reason(),
                        PlainText.lines(message)),
                out -> PlainText.paragraphs(out, message));
        boolean possible = dryRun && run != null && isDecidable(RunState.valueOf(run.state()));
        return resolved || possible ? ExitCodes.FINE : ExitCodes.NOTHING;
    }

    private boolean isDecidable(RunState state) {
        return state == RunState.ABANDONED || (decision == Decision.AGAIN && isOver(state));
    }
}

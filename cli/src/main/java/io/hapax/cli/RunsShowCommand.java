package io.hapax.cli;

import io.hapax.lease.JobIdentity;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Shows one occurrence. */
@Command(
        name = "show",
        description =
                "Shows an occurrence, and who has decided about it. Changes nothing; exit code 3 if the ledger does"
                        + " not know it.")
final class RunsShowCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final DatabaseOptions database = new DatabaseOptions();

    @Mixin
    private final WhichRun which = new WhichRun();

    /** As programs get it. */
    record Document(
            String namespace, boolean known, @Nullable RunView run, List<AuditView> audit) {}

    @Override
    public Integer call() {
        JobIdentity identity = which.identity();
        common.findNamespace(database::namespacesOfLedger);
        Optional<LedgerEntry> entry;
        List<AuditView> audit;
        try (RunLedger ledger = database.open(common.namespace())) {
            entry = CommonOptions.answer(ledger.entry(identity));
            audit = entry.map(found -> which.audit(ledger, found)).orElse(List.of());
        }
        Optional<RunView> run = entry.map(found -> RunView.of(found, common.now()));
        common.print(new Document(common.namespace(), run.isPresent(), run.orElse(null), audit), out -> {
            run.ifPresentOrElse(found -> found.print(out), () -> out.println(which.none(common.namespace())));
            AuditView.print(out, audit);
        });
        return run.isPresent() ? ExitCodes.FINE : ExitCodes.NOTHING;
    }
}

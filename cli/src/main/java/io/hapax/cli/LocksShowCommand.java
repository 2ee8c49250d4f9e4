package io.hapax.cli;

import io.hapax.ops.AdministeredStore;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Shows one lease. */
@Command(
        name = "show",
        description =
                "Shows who holds a key, who has paused it, and who has interfered before. Changes nothing; exit code 3 if nobody"
                        + " holds it.")
final class LocksShowCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final LeaseOptions leases = new LeaseOptions();

    @Mixin
    private final WhichLock which = new WhichLock();

    /** As programs get it. */
    record Document(
            String namespace,
            boolean held,
            @Nullable LockView lock,
            @Nullable PauseView paused,
            List<AuditView> audit) {}

    @Override
    public Integer call() {
        common.findNamespace(leases::namespaces);
        Optional<LockView> lock;
        Optional<PauseView> paused;
        List<AuditView> audit;
        try (AdministeredStore store = leases.open(common.namespace())) {
            Optional<HeldLease> lease = leases.ask(store, which::lookUp);
            lock = lease.map(held -> LockView.of(held, common.now()));
            paused = leases.ask(store, admin -> admin.paused(which.identity()))
                    .map(pause -> PauseView.of(pause, common.now()));
            audit = leases.ask(store, admin -> admin.audit(LeaseAdmin.AUDIT_LENGTH)).stream()
                    .filter(entry -> isAbout(entry, lease))
                    .map(AuditView::of)
                    .toList();
        }
        common.print(
                new Document(common.namespace(), lock.isPresent(), lock.orElse(null), paused.orElse(null), audit),
                out -> {
                    lock.ifPresentOrElse(
                            found -> found.print(out),
                            () -> out.println("Nobody holds " + which + " in namespace " + common.namespace() + "."));
                    paused.ifPresent(pause -> LockView.line(out, "paused", pause.toString()));
                    AuditView.print(out, audit);
                });
        return lock.isPresent() ? ExitCodes.FINE : ExitCodes.NOTHING;
    }

    /** A lease is noted under the text of its key, or under what the store keeps of it. */
    private boolean isAbout(AuditEntry entry, Optional<HeldLease> lease) {
        return entry.subject().equals(which.subject(which.key()))
                || lease.filter(held -> entry.subject().equals(which.subject(held.name())))
                        .isPresent();
    }
}

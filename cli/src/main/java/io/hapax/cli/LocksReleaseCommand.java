package io.hapax.cli;

import io.hapax.lease.Intervention;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.HeldLease;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Takes one lease away. */
@Command(
        name = "release",
        description =
                "Takes a lease away from its holder, if --yes is given; else says what would happen. A holder that"
                        + " is alive notices at its next renewal, and works on until then.")
final class LocksReleaseCommand implements Callable<Integer> {

    /** Who holds what was taken away in quarantine. */
    private static final String BARRED = "forced";

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final LeaseOptions leases = new LeaseOptions();

    @Mixin
    private final WhichLock which = new WhichLock();

    @Mixin
    private final WhoAndWhy whoAndWhy = new WhoAndWhy();

    @Option(names = "--owner", paramLabel = "OWNER", description = "only if this run holds it, as 'locks show' tells")
    private @Nullable String owner;

    /** As programs get it. */
    record Document(
            String namespace,
            boolean dryRun,
            boolean released,
            @Nullable LockView lock,
            String actor,
            String reason,
            String message) {}

    @Override
    public Integer call() {
        Intervention why = whoAndWhy.intervention();
        common.findNamespace(leases::namespaces);
        try (AdministeredStore store = leases.open(common.namespace())) {
            Optional<HeldLease> held = leases.ask(store, which::lookUp);
            if (held.isEmpty()) {
                return tell(null, false, why, "Nobody holds " + which + " in namespace " + common.namespace() + ".");
            }
            HeldLease lease = held.get();
            LockView lock = LockView.of(lease, common.now());
            if (owner != null && !owner.equals(lock.owner())) {
                return tell(
                        lock,
                        false,
                        why,
                        which + " is held by another owner, " + lock.owner() + " on " + lock.worker()
                                + ". Nothing was changed.");
            }
            if (lock.owner().equals(BARRED)) {
                return tell(
                        lock,
                        false,
                        why,
                        which + " was taken away already. Redis is in quarantine, so nobody gets it for another "
                                + PlainText.duration(Duration.ofMillis(lock.leftMillis()))
                                + ": its holder might come back. Nothing was changed.");
            }
            if (!whoAndWhy.isSure()) {
                return tell(lock, false, why, dryRun(lock));
            }
            boolean released =
                    CommonOptions.answer(store.admin().forceRelease(lease, why)).isPresent();
            return tell(lock, released, why, released ? done(lock, why) : gone(lock));
        }
    }

    private String dryRun(LockView lock) {
        return "Would take " + which + " away from " + lock.worker() + " (owner " + lock.owner() + ", token "
                + lock.token() + "), which has held it for " + PlainText.duration(Duration.ofMillis(lock.ageMillis()))
                + (lock.awaited() ? "; somebody waits for it" : "") + ".\nIt would end by itself in "
                + PlainText.duration(Duration.ofMillis(lock.leftMillis()))
                + ", unless it is renewed.\nA holder that is alive works on until its next renewal, "
                + PlainText.duration(renewal(lock))
                + " at most, together with the next holder: do this only if it is gone for good, or is being ended.\n"
                + whoAndWhy.how(owner == null ? " --owner " + lock.owner() : "");
    }

    /** After so long it has renewed, as far as this command knows: the workers may have a longer ttl than these settings. */
    private Duration renewal(LockView lock) {
        Duration left = Duration.ofMillis(lock.leftMillis());
        Duration ttl = leases.ttl();
        return (left.compareTo(ttl) > 0 ? left : ttl).dividedBy(3);
    }

    private String done(LockView lock, Intervention why) {
        return "Took " + which + " away from " + lock.worker() + " (owner " + lock.owner() + ", token " + lock.token()
                + "). If it is alive it works on until its next renewal, "
                + PlainText.duration(renewal(lock)) + " at most.\nNoted in the audit: " + why;
    }

    private static String gone(LockView lock) {
        return lock.worker() + " (owner " + lock.owner() + ") does not hold it any more. Nothing was changed.";
    }

    private int tell(@Nullable LockView lock, boolean released, Intervention why, String message) {
        boolean dryRun = !whoAndWhy.isSure();
        common.print(
                new Document(
                        common.namespace(),
                        dryRun,
                        released,
                        lock,
                        why.actor(),
                        why.reason(),
                        PlainText.lines(message)),
                out -> PlainText.paragraphs(out, message));
        boolean possible =
                dryRun && lock != null && !lock.owner().equals(BARRED) && (owner == null || owner.equals(lock.owner()));
        return released || possible ? ExitCodes.FINE : ExitCodes.NOTHING;
    }
}

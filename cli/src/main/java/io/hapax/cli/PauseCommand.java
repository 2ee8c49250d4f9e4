package io.hapax.cli;

import io.hapax.lease.Intervention;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.HeldLease;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Keeps all runs from a key. */
@Command(
        name = "pause",
        description =
                "Pauses a key: nobody is admitted until 'hapax resume'. A run that holds the key goes on. Takes effect"
                        + " at once.")
final class PauseCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final LeaseOptions leases = new LeaseOptions();

    @Mixin
    private final WhichLock which = new WhichLock();

    @Mixin
    private final Actor actor = new Actor();

    @Option(
            names = "--reason",
            paramLabel = "TEXT",
            required = true,
            description = "why; part of each refusal, and kept in the audit")
    private String reason = "";

    @Option(
            names = "--for",
            paramLabel = "DURATION",
            description = "for so long at most, e.g. 2h; by default until it is resumed")
    private @Nullable String time;

    /** As programs get it. */
    record Document(
            String namespace,
            String key,
            boolean paused,
            @Nullable PauseView before,
            @Nullable LockView lock,
            String actor,
            String reason,
            String message) {}

    @Override
    public Integer call() {
        Duration atMost = time == null ? DurationText.LONGEST : DurationText.parse("--for", time);
        Intervention why = actor.with(reason, "");
        which.requireWhole();
        common.findNamespace(leases::namespaces);
        PauseView before;
        LockView lock;
        try (AdministeredStore store = leases.open(common.namespace())) {
            before = leases.ask(store, admin -> admin.paused(which.identity()))
                    .map(pause -> PauseView.of(pause, common.now()))
                    .orElse(null);
            pause(store, atMost, why);
            // Asked for afterwards, so that a run that was admitted just before is shown.
            lock = holder(store);
        }
        String message = message(before, lock, why);
        common.print(
                new Document(
                        common.namespace(),
                        which.key(),
                        true,
                        before,
                        lock,
                        why.actor(),
                        why.reason(),
                        PlainText.lines(message)),
                out -> PlainText.paragraphs(out, message));
        return ExitCodes.FINE;
    }

    private @Nullable LockView holder(AdministeredStore store) {
        try {
            Optional<HeldLease> held = leases.ask(store, which::lookUp);
            return held.map(lease -> LockView.of(lease, common.now())).orElse(null);
        } catch (LeaseStoreException trouble) {
            throw new LeaseStoreException(
                    which + " is paused; who holds it is not known: " + trouble.getMessage(), trouble);
        }
    }

    private void pause(AdministeredStore store, Duration atMost, Intervention why) {
        try {
            CommonOptions.answer(store.admin().pause(which.identity(), atMost, why));
        } catch (LeaseStoreException trouble) {
            throw new LeaseStoreException(
                    trouble.getMessage() + ". Whether " + which + " is paused now is not known: see 'hapax locks show "
                            + which.arguments() + "'",
                    trouble);
        }
    }

    private String message(@Nullable PauseView before, @Nullable LockView lock, Intervention why) {
        return "Paused " + which + " in namespace " + common.namespace() + ": nobody is admitted until 'hapax resume "
                + which.arguments() + "'" + (time == null ? "." : ", or for " + time + ".")
                + (before == null ? "" : "\nIt replaces a pause: " + before + ".")
                + (lock == null
                        ? "\nNobody holds it."
                        : "\n" + lock.worker() + " holds it since " + PlainText.time(lock.since()) + ", and goes on.")
                + "\nNoted in the audit: " + why;
    }
}

package io.hapax.cli;

import io.hapax.lease.Intervention;
import io.hapax.lease.KeyPause;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.PausedKey;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Ends the pause of a key. */
@Command(
        name = "resume",
        description =
                "Ends the pause of a key. Takes effect at once; runs that wait for the key notice within some seconds."
                        + " Exit code 3 if it is not paused.")
final class ResumeCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final LeaseOptions leases = new LeaseOptions();

    @Mixin
    private final WhichLock which = new WhichLock();

    @Mixin
    private final Actor actor = new Actor();

    @Option(names = "--reason", paramLabel = "TEXT", description = "why, for the audit")
    private @Nullable String reason;

    /** As programs get it. */
    record Document(
            String namespace,
            String key,
            boolean resumed,
            @Nullable PauseView before,
            String actor,
            String reason,
            String message) {}

    @Override
    public Integer call() {
        Intervention why = actor.with(reason, "none given");
        common.findNamespace(leases::namespaces);
        PauseView before;
        boolean resumed;
        try (AdministeredStore store = leases.open(common.namespace())) {
            PausedKey found = find(store);
            before = found == null ? null : PauseView.of(found.pause(), common.now());
            resumed = found != null && resume(store, found, why);
        }
        String message = before == null
                ? which + " is not paused in namespace " + common.namespace() + ". Nothing was changed."
                : resumed
                        ? "Resumed " + which + ", which was paused " + before
                                + ".\nRuns that wait for it notice within some" + " seconds.\nNoted in the audit: "
                                + why
                        : which + " is not paused any more: somebody else has resumed it. Nothing was changed.";
        common.print(
                new Document(
                        common.namespace(),
                        which.key(),
                        resumed,
                        before,
                        why.actor(),
                        why.reason(),
                        PlainText.lines(message)),
                out -> PlainText.paragraphs(out, message));
        return resumed ? ExitCodes.FINE : ExitCodes.NOTHING;
    }

    /** By its text, or else by what the store keeps of it. */
    private @Nullable PausedKey find(AdministeredStore store) {
        Optional<KeyPause> pause = leases.ask(store, admin -> admin.paused(which.identity()));
        if (pause.isPresent()) {
            return new PausedKey(which.key(), which.isRunKey(), pause.get());
        }
        if (!which.isShortened()) {
            return null;
        }
        List<PausedKey> all = leases.ask(store, admin -> admin.pauses(Integer.MAX_VALUE));
        return all.stream()
                .filter(key -> key.onRunKey() == which.isRunKey() && key.name().equals(which.key()))
                .findFirst()
                .orElse(null);
    }

    private boolean resume(AdministeredStore store, PausedKey found, Intervention why) {
        return CommonOptions.answer(store.admin().resume(which.identity(), why))
                || (which.isShortened() && CommonOptions.answer(store.admin().resume(found, why)));
    }
}

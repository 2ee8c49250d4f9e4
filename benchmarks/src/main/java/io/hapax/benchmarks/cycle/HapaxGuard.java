package io.hapax.benchmarks.cycle;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.RunOutcome;
import io.hapax.redis.RedissonLeaseStore;
import java.util.concurrent.CompletionStage;

/** Hapax with its defaults. */
final class HapaxGuard implements Contender {

    private final JobGuard guard;

    HapaxGuard(Servers servers) {
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(servers.redis())
                .namespace("cycle")
                .fresh(true)
                .build();
        this.guard = JobGuard.builder(store).closesStore().build();
    }

    @Override
    public void cycle(String key) throws InterruptedException {
        Admission admission = guard.admit(RunRequest.lock(key));
        try (GuardedRun run = admitted(admission);
                GuardedRun.Scope scope = run.enter()) {
            check(run.complete());
        }
    }

    @Override
    public CompletionStage<?> cycleAsync(String key) {
        return guard.admitAsync(RunRequest.lock(key))
                .thenCompose(admission -> admitted(admission).completeAsync())
                .thenAccept(HapaxGuard::check);
    }

    private static GuardedRun admitted(Admission admission) {
        if (admission instanceof Admission.Admitted admitted) {
            return admitted.run();
        }
        throw new IllegalStateException("not granted: " + admission);
    }

    private static void check(RunOutcome outcome) {
        if (outcome != RunOutcome.COMPLETED) {
            throw new IllegalStateException("not given back: " + outcome);
        }
    }

    @Override
    public void close() {
        guard.close();
    }
}

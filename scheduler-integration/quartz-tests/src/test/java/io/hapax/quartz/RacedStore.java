package io.hapax.quartz;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.quartz.JobPersistenceException;
import org.quartz.TriggerKey;
import org.quartz.simpl.RAMJobStore;
import org.quartz.spi.OperableTrigger;

/** A store in memory in which somebody does something just before a trigger is replaced, once. Quartz creates it. */
public final class RacedStore extends RAMJobStore {

    private static final AtomicReference<@Nullable Callable<?>> BEFORE = new AtomicReference<>();

    /** Has another thread do something before the next trigger is replaced. */
    static void beforeReplacing(Callable<?> action) {
        BEFORE.set(action);
    }

    static boolean hasReplaced() {
        return BEFORE.get() == null;
    }

    @Override
    public boolean replaceTrigger(TriggerKey key, OperableTrigger trigger) throws JobPersistenceException {
        Callable<?> action = BEFORE.getAndSet(null);
        if (action != null) {
            CompletableFuture.runAsync(() -> {
                        try {
                            Object unused = action.call();
                        } catch (Exception e) {
                            throw new IllegalStateException(e);
                        }
                    })
                    .join();
        }
        return super.replaceTrigger(key, trigger);
    }
}

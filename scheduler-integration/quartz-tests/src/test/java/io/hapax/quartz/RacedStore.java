package io.hapax.quartz;

import io.hapax.testkit.OwnThread;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.quartz.JobPersistenceException;
import org.quartz.TriggerKey;
import org.quartz.simpl.RAMJobStore;
import org.quartz.spi.OperableTrigger;

/** A store in memory in which somebody does something just before a trigger is replaced, once. Quartz creates it. */
public final class RacedStore extends RAMJobStore {

    private static final AtomicReference<@Nullable Callable<?>> BEFORE = new AtomicReference<>();
    private static final AtomicBoolean REPLACED = new AtomicBoolean();
    private static final AtomicBoolean FAILS = new AtomicBoolean();

    /** Has another thread do something before the next trigger is replaced. */
    static void beforeReplacing(Callable<?> action) {
        REPLACED.set(false);
        FAILS.set(false);
        BEFORE.set(action);
    }

    /** Whether that trigger is replaced. */
    static boolean hasReplaced() {
        return REPLACED.get();
    }

    /** Has the next pause of a trigger fail. */
    static void failPause() {
        FAILS.set(true);
    }

    @Override
    public void pauseTrigger(TriggerKey key) {
        if (FAILS.getAndSet(false)) {
            throw new IllegalStateException("injected: no pause");
        }
        super.pauseTrigger(key);
    }

    @Override
    public boolean replaceTrigger(TriggerKey key, OperableTrigger trigger) throws JobPersistenceException {
        Callable<?> action = BEFORE.getAndSet(null);
        if (action == null) {
            return super.replaceTrigger(key, trigger);
        }
        OwnThread.run(() -> {
                    try {
                        Object unused = action.call();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                })
                .join();
        boolean replaced = super.replaceTrigger(key, trigger);
        REPLACED.set(true);
        return replaced;
    }
}

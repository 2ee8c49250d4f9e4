package io.hapax.redis;

import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes the runs that wait for a key, or for one of its slots, when a release of any of them was published. A message names the process
 * that has been registered for longest; one run is woken up in that process. A message that names no process wakes all. Each process has
 * one subscription, opened by the first waiter. Messages may be lost, so every wait also ends by itself. Thread-safe.
 */
final class WakeUps implements Messages.Receiver {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private static final char NAMED = ';';
    /** Between its refusal and its wait, an attempt cannot be woken up: it asks again at once. */
    private static final long REMEMBERED = TimeUnit.SECONDS.toNanos(1);

    private static final int MOST_REMEMBERED = 1000;

    private final Messages messages;
    private final FirstConnection connection;
    private final Consumer<String> missed;
    private final String process;
    private final Consumer<String> passOn;
    /** Keys for which this process was named while nobody waited here, and when. */
    private final ConcurrentHashMap<String, Long> unheard = new ConcurrentHashMap<>();
    /** Keys for which one of those who wait was woken up, and has no answer yet. */
    private final Set<String> woken = ConcurrentHashMap.newKeySet();

    /** Keys for which Redis knows that somebody waits here. */
    private final Set<String> noted = ConcurrentHashMap.newKeySet();

    private final AtomicBoolean subscribed = new AtomicBoolean();
    private final ConcurrentHashMap<String, List<CompletableFuture<Void>>> waiting = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /**
     * Creates the wake-ups of one store.
     *
     * @param missed receives the keys that were waited for before the subscription was ready: a release of them may have
     *     been missed; answers by {@link #wake} if the key is free
     * @param process what messages call this process
     * @param passOn receives the keys whose wake-up was for this process, although nobody waits here
     */
    WakeUps(
            Messages messages,
            FirstConnection connection,
            Consumer<String> missed,
            String process,
            Consumer<String> passOn) {
        this.process = process;
        this.passOn = passOn;
        this.messages = messages;
        this.connection = connection;
        this.missed = missed;
    }

    CompletableFuture<Void> await(String leaseKey, Duration atMost) {
        CompletableFuture<Void> wait = new CompletableFuture<>();
        // What ends it comes first, so that nobody is woken up in vain for one for which there was no memory half-way.
        var unused = wait.whenComplete((ended, cancelled) -> forget(leaseKey, wait));
        var ignored = RedisThreads.endingAfter(atMost, wait, () -> wait.complete(null));
        waiting.compute(leaseKey, (key, others) -> {
            List<CompletableFuture<Void>> all = others == null ? new CopyOnWriteArrayList<>() : others;
            all.add(wait);
            return all;
        });
        if (wait.isDone()) {
            forget(leaseKey, wait);
        }
        if (closed) {
            wait.complete(null);
            return wait;
        }
        Long named = unheard.remove(leaseKey);
        if (named != null && System.nanoTime() - named < REMEMBERED) {
            woken.add(leaseKey);
            wait.complete(null);
            return wait;
        }
        if (subscribed.compareAndSet(false, true)) {
            try {
                connection.execute(this::subscribe);
            } catch (Throwable noThread) {
                failed(noThread);
            }
        }
        return wait;
    }

    int waiters() {
        return waiting.values().stream().mapToInt(List::size).sum();
    }

    void wake(String leaseKey) {
        List<CompletableFuture<Void>> all = waiting.get(leaseKey);
        if (all != null) {
            all.forEach(wait -> wait.complete(null));
        }
    }

    /** Wakes one of those who wait for a key; whether there was one. */
    boolean wakeOne(String leaseKey) {
        List<CompletableFuture<Void>> all = waiting.get(leaseKey);
        if (all == null) {
            return false;
        }
        if (woken.size() > MOST_REMEMBERED) {
            woken.clear();
        }
        // Before it asks.
        woken.add(leaseKey);
        for (CompletableFuture<Void> wait : all) {
            if (wait.complete(null)) {
                return true;
            }
        }
        woken.remove(leaseKey);
        return false;
    }

    /** Whether somebody was woken up who has no answer yet, for whatever key. */
    boolean haveWoken() {
        return !woken.isEmpty();
    }

    /** Whether somebody was woken up for a key who has no answer yet. */
    boolean hasWoken(String leaseKey) {
        return woken.contains(leaseKey);
    }

    /** Whether somebody was woken up for a key, who has an answer now. */
    boolean takeUp(String leaseKey) {
        return woken.remove(leaseKey);
    }

    /** Leaves a key to the next one that waits for it, here or in another process. */
    void handOn(String leaseKey) {
        if (!wakeOne(leaseKey)) {
            passOn.accept(leaseKey);
        }
    }

    /** Remembers that messages may name this process for a key. */
    void noted(String leaseKey) {
        if (noted.size() > MOST_REMEMBERED) {
            noted.clear();
        }
        noted.add(leaseKey);
    }

    /** The keys of which others wait to hear that nobody waits here any more. */
    Set<String> toLeave() {
        Set<String> all = new HashSet<>(noted);
        all.addAll(woken);
        all.addAll(unheard.keySet());
        return all;
    }

    /** Whether nobody waits for anything. */
    boolean isIdle() {
        return waiting.isEmpty();
    }

    @Override
    public void heard(String message) {
        int end = message.isEmpty() || message.charAt(0) != NAMED ? -1 : message.indexOf(NAMED, 1);
        if (end < 0) {
            wake(message);
        } else if (end == process.length() + 1 && message.startsWith(process, 1)) {
            named(message.substring(end + 1));
        }
    }

    private void named(String leaseKey) {
        noted.remove(leaseKey);
        if (wakeOne(leaseKey)) {
            return;
        }
        // Before it is looked for once more, so that a run that started to wait in between finds it.
        unheard.put(leaseKey, System.nanoTime());
        if (wakeOne(leaseKey)) {
            unheard.remove(leaseKey);
            return;
        }
        if (unheard.size() > MOST_REMEMBERED) {
            unheard.clear();
        }
        RedisThreads.THREADS.call("passing a wake-up on", () -> passOn.accept(leaseKey));
    }

    /** Ends all waiting, and the subscription. */
    void close() {
        closed = true;
        GuardThreads.inTurn(messages::close, () -> waiting.keySet().forEach(this::wake));
    }

    private void forget(String leaseKey, CompletableFuture<Void> wait) {
        waiting.computeIfPresent(leaseKey, (key, all) -> {
            all.removeIf(other -> other == wait);
            return all.isEmpty() ? null : all;
        });
    }

    private void subscribe() {
        try {
            messages.listen(this);
        } catch (Throwable unreachable) {
            failed(unreachable);
        }
    }

    @Override
    public void stands() {
        waiting.keySet().forEach(key -> RedisThreads.THREADS.call("looking at a key", () -> missed.accept(key)));
    }

    @Override
    public void failed(Throwable failure) {
        subscribed.set(false);
        LOG.debug("no wake-ups for now, waiting runs poll: {}", failure.toString());
    }
}

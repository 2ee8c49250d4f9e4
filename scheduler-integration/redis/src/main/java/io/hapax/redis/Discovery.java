package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.redisson.client.RedisConnectionException;
import org.redisson.client.RedisException;
import org.redisson.client.RedisTimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out, once, in which protocol a server can be spoken to: the full one, or if it refuses to scripts what that needs, the
 * portable one. A server that says in neither who it is, is refused: nobody would notice that it was replaced. Thread-safe.
 */
final class Discovery {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private static final Pattern REFUSAL = Pattern.compile(
            "can't run this command|not allowed from script|not supported for scripts|called from script|not? ?declared");

    /** What a server says while it starts, or its slots move or change hands: no refusal. */
    private static final Pattern PASSING =
            Pattern.compile("non local key|CLUSTERDOWN|TRYAGAIN|LOADING|MASTERDOWN|READONLY|BUSY|OOM");

    private static final int QUESTIONS = 3;

    /** Asks what scripts may do: the Java side of {@code allowed.lua}. */
    private final Supplier<CompletionStage<List<Object>>> allowed;

    private final Supplier<@Nullable Pipeline> pipeline;
    private final String key;
    private final String server;
    private final ReentrantLock lock = new ReentrantLock();
    private final Joined<Dialect> going;
    private volatile @Nullable Dialect known;
    /** Whether the full protocol was spoken before. */
    private volatile boolean wasFull;

    private volatile Runnable onChange = () -> {};

    /**
     * @param pipeline gives null if there is no way to send two commands over one connection
     * @param key of a bucket, whose server is asked
     * @param longest how long it may take
     */
    Discovery(
            Supplier<CompletionStage<List<Object>>> allowed,
            Supplier<@Nullable Pipeline> pipeline,
            String key,
            String server,
            Duration longest) {
        this.going = new Joined<>(longest);
        this.allowed = allowed;
        this.pipeline = pipeline;
        this.key = key;
        this.server = server;
    }

    /** What was found out; null if nothing has been yet. */
    @Nullable
    Dialect known() {
        return known;
    }

    /** Finds out, joins the others who do, or returns at once; one that failed is tried again by the next caller. */
    CompletableFuture<Dialect> dialect() {
        lock.lock();
        try {
            Dialect found = known;
            if (found != null) {
                return CompletableFuture.completedFuture(found);
            }
            CompletableFuture<Dialect> present = going.present();
            return present != null
                    ? present
                    : going.asked(allowed.get()
                            .toCompletableFuture()
                            .thenCompose(this::judge)
                            .thenApply(this::kept));
        } finally {
            lock.unlock();
        }
    }

    /** Sets what is to be done when the server has to be spoken to in another protocol than before. */
    void onChange(Runnable action) {
        onChange = action;
    }

    /**
     * Notes that a script was refused something. If the full protocol needs that, another server may answer now, or rights were
     * taken away: the next call finds out anew. The portable protocol goes on wherever it has started.
     */
    void refused(String message) {
        Dialect found = known;
        if (found != null && found.isFull() && REFUSAL.matcher(message).find()) {
            known = null;
        }
    }

    private Dialect kept(Dialect found) {
        boolean changed = wasFull && !found.isFull();
        boolean news = changed || !wasFull;
        wasFull = found.isFull();
        if (changed) {
            // Before anybody speaks to it: settings are compared first.
            onChange.run();
        }
        known = found;
        if (news) {
            LOG.info("Redis at {} uses the {}", server, found);
        }
        if (changed) {
            throw new LeaseStoreException(Finding.error(
                    "Redis at " + server + " refuses what it allowed before (" + found.why() + ")",
                    "Nothing, if another server answers there now: the next call speaks the portable protocol"));
        }
        return found;
    }

    private CompletionStage<Dialect> judge(List<Object> answer) {
        for (Object said : answer.subList(0, QUESTIONS)) {
            if (PASSING.matcher(String.valueOf(said)).find()) {
                return CompletableFuture.failedFuture(new LeaseStoreException(Finding.error(
                        "Redis at " + server + " cannot tell at this moment what it allows ("
                                + RedisTrouble.quoted(String.valueOf(said)) + ")",
                        "Nothing: the next call asks again")));
            }
        }
        String why = refusals(answer);
        return why.isEmpty()
                ? CompletableFuture.completedFuture(Dialect.FULL)
                : portable(why, List.of(Identity.values()), "");
    }

    private static String refusals(List<Object> answer) {
        List<String> all = new ArrayList<>();
        String[] what = {"TIME", "INFO", "a key that is not declared"};
        for (int n = 0; n < QUESTIONS; n++) {
            String refusal = String.valueOf(answer.get(n));
            if (!refusal.isEmpty()) {
                all.add("it refuses " + what[n] + " in scripts (" + RedisTrouble.quoted(refusal) + ")");
            }
        }
        if (String.valueOf(answer.get(1)).isEmpty()
                && String.valueOf(answer.get(3)).isEmpty()) {
            all.add("its INFO has no run_id");
        }
        return String.join(", ", all);
    }

    /** Asks one question after the other until the server says who it is. */
    private CompletionStage<Dialect> portable(String why, List<Identity> questions, String refused) {
        Pipeline wire = pipeline.get();
        if (wire == null) {
            return CompletableFuture.failedFuture(new LeaseStoreException(Finding.error(
                    "Redis at " + server + " needs the portable protocol (" + why
                            + "), for which this RedissonClient, which is not one of Redisson's own, has no way",
                    "Give the store an address, a YAML file, or the client that Redisson.create returned")));
        }
        if (questions.isEmpty()) {
            return CompletableFuture.failedFuture(nameless(why, refused));
        }
        Identity identity = questions.get(0);
        return wire.info(key, identity)
                .handle((info, failure) -> {
                    Throwable cause = failure == null ? null : RedisTrouble.unwrapped(failure);
                    if (cause != null && !isRefusal(cause)) {
                        return CompletableFuture.<Dialect>failedFuture(cause);
                    }
                    if (cause == null && !Identity.of(info).isEmpty()) {
                        return CompletableFuture.completedFuture(new Dialect(Protocol.PORTABLE, why, identity));
                    }
                    String said =
                            cause == null ? refused : RedisTrouble.of(cause).problem();
                    return portable(why, questions.subList(1, questions.size()), said)
                            .toCompletableFuture();
                })
                .thenCompose(next -> next);
    }

    private static boolean isRefusal(Throwable cause) {
        return cause instanceof RedisException
                && !(cause instanceof RedisTimeoutException)
                && !(cause instanceof RedisConnectionException);
    }

    private LeaseStoreException nameless(String why, String refused) {
        return new LeaseStoreException(Finding.error(
                "Redis at " + server + " does not say who it is: neither to scripts (" + why
                        + ") nor on a connection, where INFO has no run_id and no master_replid"
                        + (refused.isEmpty() ? "" : " (" + refused + ")")
                        + ". Nobody would notice that it was restarted or replaced, and a lease could be granted twice",
                "Allow INFO to its user (+info), or use another server"));
    }
}

package io.hapax.redis;

import static io.hapax.redis.Fixture.get;

import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Reservations;
import io.hapax.ops.AdministeredStore;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.Function;

/** Lines to the servers of a quorum that the test can hold up. */
final class Lines implements QuorumLeaseStore.Wire {

    private final List<RedissonLeaseStore> stores;
    private final List<Deque<Runnable>> held;
    private final boolean[] slow;
    private final boolean[] down;
    private final boolean[] deaf;
    /** How many questions each server answers yet. */
    private final int[] answers;

    Lines(List<RedissonLeaseStore> stores) {
        this.stores = stores;
        this.held = stores.stream()
                .<Deque<Runnable>>map(store -> new ConcurrentLinkedDeque<>())
                .toList();
        this.slow = new boolean[stores.size()];
        this.down = new boolean[stores.size()];
        this.deaf = new boolean[stores.size()];
        this.answers = new int[stores.size()];
        Arrays.fill(answers, Integer.MAX_VALUE);
    }

    AdministeredStore quorum() {
        return new QuorumLeaseStore(stores, Duration.ofMillis(500), Duration.ofSeconds(5), Ticker.SYSTEM, this);
    }

    Reservations places() {
        return quorum().reservations().orElseThrow();
    }

    /** What a server is asked from now on waits for {@link #arrive}. */
    Lines slow(int server) {
        slow[server] = true;
        return this;
    }

    /** A server cannot be asked from now on. */
    Lines down(int server) {
        down[server] = true;
        return this;
    }

    Lines up(int server) {
        down[server] = false;
        answers[server] = Integer.MAX_VALUE;
        return this;
    }

    /** A server answers so many questions, and then none until it is {@link #up}. */
    Lines downAfter(int server, int questions) {
        answers[server] = questions;
        return this;
    }

    /** As {@link #slow}, and who asks has given up by then. */
    Lines deaf(int server) {
        deaf[server] = true;
        return slow(server);
    }

    @Override
    public <T> CompletionStage<T> send(
            RedissonLeaseStore store, Function<RedissonLeaseStore, CompletionStage<T>> question) {
        int server = stores.indexOf(store);
        if (down[server] || answers[server]-- <= 0) {
            return CompletableFuture.failedFuture(new LeaseStoreException("down in this test"));
        }
        if (!slow[server]) {
            return question.apply(store);
        }
        CompletableFuture<T> answer = new CompletableFuture<>();
        held.get(server).add(() -> {
            try {
                answer.complete(get(question.apply(store)));
            } catch (CompletionException e) {
                answer.completeExceptionally(e);
            }
        });
        if (deaf[server]) {
            answer.completeExceptionally(new LeaseStoreException("no answer in this test"));
        }
        return answer;
    }

    /** How many questions wait for a server. */
    int waiting(int server) {
        return held.get(server).size();
    }

    /** Lets the first of what waits for a server arrive, and returns when it has been carried out. */
    void arrive(int server) {
        held.get(server).remove().run();
    }

    /** Lets the last of what waits for a server overtake the others. */
    void overtake(int server) {
        held.get(server).removeLast().run();
    }

    /** Lets all arrive, now and from now on. */
    void arriveAll() {
        for (int server = 0; server < held.size(); server++) {
            slow[server] = false;
            while (!held.get(server).isEmpty()) {
                arrive(server);
            }
        }
    }
}

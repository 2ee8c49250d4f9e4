package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.LeaseRequest;
import io.hapax.time.Ticker;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Takes leases and gives them back: the Java side of {@code exchange.lua}. Thread-safe. */
final class Exchange {

    /** How often slots may come on top while somebody asks. */
    static final int TRIES = 5;

    private final Namespace namespace;
    private final List<SharedCalls> calls;
    private final @Nullable Confirmation confirmation;
    private final @Nullable DirectCalls direct;

    /** With a confirmation, a grant that too few replicas have fails with {@link Confirmation.Missing}. */
    Exchange(Namespace namespace, @Nullable Confirmation confirmation, DirectLine.@Nullable Opening opening) {
        this.namespace = namespace;
        this.confirmation = confirmation;
        this.calls = Stream.generate(() -> new SharedCalls(namespace))
                .limit(namespace.buckets().size())
                .toList();
        this.direct = opening == null ? null : new DirectCalls(namespace, opening, Ticker.SYSTEM, this::share);
    }

    CompletableFuture<Acquisition> acquire(LeaseRequest request) {
        AcquireRequest asked = new AcquireRequest(namespace, request);
        Confirmation confirm = confirmation;
        CompletableFuture<Acquisition> answer = confirm == null ? send(asked) : confirmed(confirm, asked);
        return namespace.scripts().isPortable() ? again(request, answer, TRIES) : answer;
    }

    /** Asks once more, if more slots of the key have to be declared than were known of. */
    CompletableFuture<Acquisition> again(LeaseRequest request, CompletableFuture<Acquisition> answer, int left) {
        return answer.exceptionallyCompose(failure -> {
            boolean tooFew = RedisTrouble.unwrapped(failure) instanceof PortableCalls.TooFewDeclared;
            if (!tooFew || left == 0) {
                return CompletableFuture.failedFuture(failure);
            }
            AcquireRequest asked = new AcquireRequest(namespace, request);
            Confirmation confirm = confirmation;
            return again(request, confirm == null ? send(asked) : confirmed(confirm, asked), left - 1);
        });
    }

    <T> CompletableFuture<T> send(Request<T> request) {
        namespace.scripts().timeouts().watch(request.answer());
        share(request);
        return request.answer();
    }

    private void share(Request<?> request) {
        calls.get(request.keys().bucket()).send(request);
    }

    /** Carries requests out on the threads of their callers; null if there is no such way to this server. */
    @Nullable
    DirectCalls direct() {
        return direct;
    }

    void close() {
        if (direct != null) {
            direct.close();
        }
    }

    /** WAIT counts the writes of its own connection alone, so such a call is not shared. */
    private CompletableFuture<Acquisition> confirmed(Confirmation confirm, AcquireRequest request) {
        Batch batch = new Batch(namespace, List.of(request));
        return namespace
                .scripts()
                .callConfirmed(
                        confirm,
                        Script.EXCHANGE,
                        batch.keys(),
                        batch.arguments().toArray())
                .thenCompose(confirmed -> {
                    batch.answered(confirmed.answer());
                    return request.answer()
                            .thenApply(acquisition -> confirm.checked(acquisition, confirmed.replicas()));
                });
    }
}

package io.hapax.http;

import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.web.reactive.function.client.ClientRequest;
import org.springframework.web.reactive.function.client.ClientResponse;
import org.springframework.web.reactive.function.client.ExchangeFilterFunction;
import org.springframework.web.reactive.function.client.ExchangeFunction;
import reactor.core.publisher.Mono;

/**
 * Adds {@link RunHeaders} to what Spring's {@code WebClient} sends in a run: that of the thread that subscribes, else one that the
 * subscriber's context has under {@code GuardedRun.class}. Immutable.
 *
 * <pre>{@code
 * WebClient.builder().filter(new WebClientRunHeaders(RunHeaders.of("billing-production"))).build()
 *
 * mono.contextWrite(Context.of(GuardedRun.class, CurrentRun.get())) // where another thread subscribes
 * }</pre>
 */
public final class WebClientRunHeaders implements ExchangeFilterFunction {

    private final RunHeaders headers;

    /**
     * Creates the filter.
     *
     * @param headers which headers
     */
    public WebClientRunHeaders(RunHeaders headers) {
        this.headers = headers;
    }

    /**
     * Adds the headers, unless there is no run. Fails with a {@link io.hapax.LeaseLostException} if the run has lost its lease; then
     * nothing is sent.
     */
    @Override
    public Mono<ClientResponse> filter(ClientRequest request, ExchangeFunction next) {
        return Mono.deferContextual(context -> {
            GuardedRun run = CurrentRun.find()
                    .orElseGet(() -> context.<@Nullable GuardedRun>getOrDefault(GuardedRun.class, null));
            return next.exchange(run == null ? request : with(request, run));
        });
    }

    private ClientRequest with(ClientRequest request, GuardedRun run) {
        Map<String, String> missing = headers.missing(
                run, request.method().name(), name -> request.headers().getFirst(name) != null);
        return missing.isEmpty()
                ? request
                : ClientRequest.from(request)
                        .headers(all -> missing.forEach(all::set))
                        .build();
    }
}

package io.hapax.http;

import io.hapax.CurrentRun;
import java.io.IOException;
import org.springframework.http.HttpRequest;
import org.springframework.http.client.ClientHttpRequestExecution;
import org.springframework.http.client.ClientHttpRequestInterceptor;
import org.springframework.http.client.ClientHttpResponse;

/**
 * Adds {@link RunHeaders} to what Spring's {@code RestClient} or {@code RestTemplate} sends in a run. Immutable.
 *
 * <pre>{@code
 * RestClient.builder().requestInterceptor(new RestClientRunHeaders(RunHeaders.of("billing-production"))).build()
 * }</pre>
 */
public final class RestClientRunHeaders implements ClientHttpRequestInterceptor {

    private final RunHeaders headers;

    /**
     * Creates the interceptor.
     *
     * @param headers which headers
     */
    public RestClientRunHeaders(RunHeaders headers) {
        this.headers = headers;
    }

    /**
     * Adds the headers, unless the calling thread is in no run.
     *
     * @throws io.hapax.LeaseLostException if the run has lost its lease; nothing is sent
     */
    @Override
    public ClientHttpResponse intercept(HttpRequest request, byte[] body, ClientHttpRequestExecution execution)
            throws IOException {
        CurrentRun.find()
                .ifPresent(run -> headers.missing(
                                run,
                                request.getMethod().name(),
                                name -> request.getHeaders().getFirst(name) != null)
                        .forEach(request.getHeaders()::set));
        return execution.execute(request, body);
    }
}

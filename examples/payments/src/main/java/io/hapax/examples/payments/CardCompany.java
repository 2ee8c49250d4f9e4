package io.hapax.examples.payments;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A remote interface that no transaction reaches. Like those of real card companies it charges once for each idempotency key,
 * however often it is called with it.
 */
final class CardCompany implements AutoCloseable {

    private final HttpServer server;
    private final Set<String> charged = ConcurrentHashMap.newKeySet();
    private final AtomicInteger calls = new AtomicInteger();

    CardCompany() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/charge", this::charge);
        server.start();
    }

    private void charge(HttpExchange exchange) throws IOException {
        calls.incrementAndGet();
        boolean isNew = charged.add(exchange.getRequestHeaders().getFirst("Idempotency-Key"));
        exchange.sendResponseHeaders(isNew ? 201 : 200, -1);
        exchange.close();
    }

    /** What the worker's code does: the run key is the idempotency key, the token is for the log of the other side. */
    void call(String runKey, long token) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/charge"))
                .header("Idempotency-Key", runKey)
                .header("Fencing-Token", Long.toString(token))
                .POST(HttpRequest.BodyPublishers.noBody())
                .build();
        int status = HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.discarding())
                .statusCode();
        if (status >= 300) {
            throw new IOException("not charged: " + status);
        }
    }

    int calls() {
        return calls.get();
    }

    int charges() {
        return charged.size();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}

package io.hapax.worker;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.hapax.JobGuard;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Answers {@code /health}: 200 if Redis answers the guard, else 503. */
final class HealthEndpoint implements AutoCloseable {

    private static final JobIdentity PROBE = new JobIdentity(new LockKey("health-probe"), null);

    private final HttpServer server;

    private HealthEndpoint(HttpServer server) {
        this.server = server;
    }

    static HealthEndpoint start(WorkerSettings settings, @Nullable JobGuard guard) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(settings.healthPort()), 0);
            server.createContext("/health", exchange -> answer(exchange, settings, guard));
            server.start();
            return new HealthEndpoint(server);
        } catch (IOException e) {
            throw new IllegalStateException(
                    "port " + settings.healthPort() + " cannot be used for /health: " + e.getMessage(), e);
        }
    }

    private static void answer(HttpExchange exchange, WorkerSettings settings, @Nullable JobGuard guard)
            throws IOException {
        boolean up = guard == null || reaches(guard);
        String body = "{\"status\":\"" + (up ? "UP" : "DOWN") + "\",\"worker\":\""
                + settings.name().replaceAll("[\"\\\\\\p{Cntrl}]", "_") + "\",\"activeRuns\":"
                + (guard == null ? 0 : guard.activeRuns()) + "}\n";
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "application/json");
        exchange.sendResponseHeaders(up ? 200 : 503, bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    private static boolean reaches(JobGuard guard) {
        try {
            guard.holder(PROBE).join();
            return true;
        } catch (CompletionException unreachable) {
            return false;
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}

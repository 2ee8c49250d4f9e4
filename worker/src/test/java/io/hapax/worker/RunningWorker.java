package io.hapax.worker;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.FreePort;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;

/** A worker in this process, with its web server on a free port, and Redis and database of its own. */
final class RunningWorker implements AutoCloseable {

    private final int port = FreePort.next();
    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final WorkerAssembly assembly;

    private RunningWorker(Map<String, String> environment, String... options) throws Exception {
        Map<String, String> env = new HashMap<>(Map.of(
                "REDIS_URL", redis.url(),
                "DATABASE_URL", FleetTest.newDatabase(),
                "HAPAX_FIRST_START", WallClock.now().toString(),
                "HAPAX_WORKER", "one",
                "QUARTZ_STORE", "none",
                "JOBRUNR", "off",
                "HTTP_PORT", Integer.toString(port)));
        env.putAll(environment);
        WorkerCommand command = new WorkerCommand();
        new CommandLine(command).parseArgs(options);
        WorkerCommand.logByOneSystem();
        try {
            this.assembly = WorkerAssembly.start(command.settings(env));
        } catch (RuntimeException e) {
            redis.close();
            throw e;
        }
    }

    static RunningWorker start(Map<String, String> environment, String... options) throws Exception {
        return new RunningWorker(environment, options);
    }

    String redisUrl() {
        return redis.url();
    }

    int port() {
        return port;
    }

    HttpResponse<String> get(String path, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
        List<String> all = new ArrayList<>(List.of("Accept", "*/*"));
        all.addAll(List.of(headers));
        return HttpClient.newHttpClient()
                .send(request.headers(all.toArray(String[]::new)).build(), HttpResponse.BodyHandlers.ofString());
    }

    @Override
    public void close() {
        assembly.close();
        redis.close();
    }
}

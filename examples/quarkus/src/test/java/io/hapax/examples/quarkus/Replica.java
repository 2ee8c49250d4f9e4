package io.hapax.examples.quarkus;

import static org.awaitility.Awaitility.await;

import io.hapax.testkit.DatabaseAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.core.ConditionTimeoutException;

/** A process of the packaged application. */
final class Replica implements AutoCloseable {

    static final Duration LONGEST = Duration.ofSeconds(60);

    /** So that what awaits it fails for this reason. */
    private static final Duration LONGEST_ANSWER = Duration.ofSeconds(40);

    private static final Pattern LISTENING = Pattern.compile("Listening on: http://[^:]+:(\\d+)");

    /** Not HTTP/2, which this client has a server change to within the first request: that has stood still for good once. */
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final Path log;
    private final Process process;
    private final int port;

    /** Starts, and waits until it listens. */
    Replica(String name, DatabaseAddress database, String... settings) throws IOException {
        log = Files.createTempFile(Path.of("target"), "replica-" + name + "-", ".log");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dquarkus.http.host=127.0.0.1",
                "-Dquarkus.http.port=0",
                "-Dquarkus.datasource.jdbc.url=" + database.jdbcUrl(),
                "-Dquarkus.datasource.username=" + database.user(),
                "-Dquarkus.datasource.password=" + database.password(),
                "-Dshop.replica=" + name));
        command.addAll(List.of(settings));
        command.addAll(List.of(
                "-jar", Path.of("target", "quarkus-app", "quarkus-run.jar").toString()));
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        await().atMost(LONGEST)
                .failFast("the process has ended, see " + log, () -> !process.isAlive())
                .until(() -> listening().find());
        Matcher said = listening();
        if (!said.find()) {
            throw new IllegalStateException(log());
        }
        port = Integer.parseInt(said.group(1));
    }

    private Matcher listening() {
        return LISTENING.matcher(log());
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    CompletableFuture<String> get(String path) {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(LONGEST_ANSWER)
                .build();
        return client.sendAsync(request, HttpResponse.BodyHandlers.ofString())
                .thenApply(HttpResponse::body)
                .exceptionally(failure -> {
                    throw new CompletionException(path + " of a replica that said: " + lastWords(), failure);
                });
    }

    /** Its log, with what its threads are at if it still runs. */
    private String lastWords() {
        try {
            if (process.isAlive()) {
                int unused = new ProcessBuilder("kill", "-QUIT", Long.toString(process.pid()))
                        .start()
                        .waitFor();
                String before = log();
                await().atMost(Duration.ofSeconds(10))
                        .until(() -> !process.isAlive() || log().length() > before.length());
            }
        } catch (IOException | InterruptedException | ConditionTimeoutException e) {
            return log() + e;
        }
        return log();
    }

    CompletableFuture<String> ship(int customer, int order) {
        return get("/ship/" + customer + "/" + order);
    }

    /** The sum of a counter over its tags. */
    double meter(String name, String tag) {
        return get("/q/metrics")
                .join()
                .lines()
                .filter(line -> line.startsWith(name + "{") && line.contains(tag))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** Asks the process to end. */
    void terminate() {
        process.destroy();
    }

    boolean isRunning() {
        return process.isAlive();
    }

    void kill() {
        process.destroyForcibly();
    }

    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            process.waitFor();
        }
    }
}

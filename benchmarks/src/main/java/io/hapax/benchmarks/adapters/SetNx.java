package io.hapax.benchmarks.adapters;

import io.hapax.benchmarks.harness.RespConnection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The least that a lock around a job can cost: {@code SET NX} before, a deletion by its owner after, over plain sockets.
 * It promises nothing: no token, no renewal, no time limit for answers, no check of the server. Thread-safe.
 */
final class SetNx {

    private static final String RELEASE =
            "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('DEL', KEYS[1])";

    private final URI address;
    private final String release;
    private final String owner = Long.toString(ProcessHandle.current().pid());
    private final AtomicLong jobs = new AtomicLong();
    private final Queue<RespConnection> idle = new ConcurrentLinkedQueue<>();

    SetNx(String url) throws IOException {
        this.address = URI.create(url);
        RespConnection connection = connect();
        this.release = connection.call(List.of("SCRIPT", "LOAD", RELEASE)).toString();
        idle.add(connection);
    }

    private RespConnection connect() throws IOException {
        return new RespConnection(address.getHost(), address.getPort());
    }

    /** Does the work of a job under a key of its own. */
    void around(Runnable work) {
        String key = "job:" + jobs.incrementAndGet();
        try {
            RespConnection known = idle.poll();
            RespConnection connection = known == null ? connect() : known;
            expect("OK", connection.call(List.of("SET", key, owner, "NX", "PX", "30000")));
            work.run();
            expect(1L, connection.call(List.of("EVALSHA", release, "1", key, owner)));
            idle.add(connection);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void expect(Object expected, Object answer) {
        if (!expected.equals(answer)) {
            throw new IllegalStateException("a key that nobody else wants was not ours: " + answer);
        }
    }
}

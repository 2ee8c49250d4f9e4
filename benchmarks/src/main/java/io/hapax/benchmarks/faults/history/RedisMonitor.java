package io.hapax.benchmarks.faults.history;

import io.hapax.benchmarks.harness.Background;
import io.hapax.benchmarks.harness.RedisLine;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Listens to a Redis server by <a href="https://redis.io/commands/monitor">MONITOR</a>, past all proxies, and writes down
 * when leases of Hapax are written, prolonged and deleted there: so it is known from outside until when each one lives.
 */
final class RedisMonitor implements Runnable {

    /** A lease as exchange.lua and renew.lua write it: owner, token, since when, digest, worker and run. */
    private static final Pattern SET = Pattern.compile(
            "\"SET\" \"(hapax:\\{[^}]+\\}:[lrs]:[^\"]+)\" \"([^|\"]+)\\|\\d+\\|\\d+\\|[^\"]*\\|[^\"]*\" \"PX\" \"(\\d+)\"");

    private static final Pattern PROLONG =
            Pattern.compile("\"PEXPIRE\" \"(hapax:\\{[^}]+\\}:[lrs]:[^\"]+)\" \"(\\d+)\"");
    private static final Pattern DELETE = Pattern.compile("\"DEL\" \"(hapax:\\{[^}]+\\}:[lrs]:[^\"]+)\"");

    private final String name;
    private final int port;
    private final History history;

    RedisMonitor(String name, int port, History history) {
        this.name = name;
        this.port = port;
        this.history = history;
    }

    void start() {
        Background.run("monitor-" + name, this);
    }

    @Override
    public void run() {
        while (!Thread.currentThread().isInterrupted()) {
            try (RedisLine line = new RedisLine(port)) {
                line.monitorHere(this::note);
            } catch (IOException downOrCutOff) {
                // It is tried again.
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    private void note(String line) {
        if (!line.contains(" lua] ")) {
            return;
        }
        Matcher set = SET.matcher(line);
        Matcher prolong = PROLONG.matcher(line);
        Matcher delete = DELETE.matcher(line);
        if (set.find()) {
            history.add(name, EventType.LEASE, List.of(name, set.group(1), set.group(2), set.group(3)));
        } else if (prolong.find()) {
            history.add(name, EventType.LEASE, List.of(name, prolong.group(1), "-", prolong.group(2)));
        } else if (delete.find()) {
            history.add(name, EventType.FREED, List.of(name, delete.group(1)));
        }
    }
}

package io.hapax.cli;

import java.time.Duration;
import java.time.Instant;

/** A run, or what became of one, as programs get it. */
record FleetRow(String state, String job, String key, String worker, Instant since, long ageMillis, String detail) {

    static final String RUNNING = "running";

    static FleetRow of(FleetReport.Run run, String worker, Instant now) {
        Instant since = Instant.ofEpochMilli(run.since());
        return new FleetRow(
                RUNNING,
                run.job(),
                run.lock().isEmpty() ? run.run() : run.lock(),
                worker,
                since,
                Math.max(0, now.toEpochMilli() - run.since()),
                run.left() <= 0 ? "not renewed" : PlainText.duration(Duration.ofMillis(run.left())) + " left");
    }

    static FleetRow of(LockView lock) {
        return new FleetRow(
                RUNNING,
                lock.run().isEmpty() ? lock.key() : lock.run(),
                lock.key(),
                lock.worker(),
                lock.since(),
                lock.ageMillis(),
                PlainText.duration(Duration.ofMillis(lock.leftMillis())) + " left"
                        + (lock.awaited() ? ", awaited" : ""));
    }

    static FleetRow of(FleetReport.Waiting waiting, String worker, Instant now) {
        return new FleetRow(
                "waiting",
                waiting.job(),
                waiting.lock().isEmpty() ? waiting.run() : waiting.lock(),
                worker,
                now.minusMillis(waiting.waited()),
                waiting.waited(),
                waiting.reason());
    }

    static FleetRow of(FleetReport.Event event, String worker, Instant now) {
        return new FleetRow(
                event.what(),
                event.job(),
                event.keys(),
                worker,
                Instant.ofEpochMilli(event.at()),
                Math.max(0, now.toEpochMilli() - event.at()),
                event.why() + (event.reason().isEmpty() ? "" : ": " + event.reason()));
    }
}

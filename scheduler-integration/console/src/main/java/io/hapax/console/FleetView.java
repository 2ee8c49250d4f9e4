package io.hapax.console;

import io.hapax.ops.ServerHealth;
import java.util.List;
import java.util.Map;

/**
 * What the page shows, but for the runs, which are sent as changes. Times in milliseconds.
 *
 * @param now when it was made
 * @param namespace what the workers have agreed on
 * @param workers who has reported lately
 * @param waiting runs that wait for their keys
 * @param events the newest first
 * @param chart what happened in the last hour, of all workers
 * @param servers how the servers of the lease store are
 * @param ledger how the ledger is
 * @param abandoned occurrences that wait for a person
 * @param warnings what operators should know
 * @param jobs what is known of each job
 * @param gone workers that do not report any more
 */
record FleetView(
        long now,
        String namespace,
        List<Worker> workers,
        List<Map<String, Object>> waiting,
        List<Map<String, Object>> events,
        Report.Chart chart,
        List<Server> servers,
        Server ledger,
        List<Map<String, Object>> abandoned,
        List<String> warnings,
        List<JobView.Summary> jobs,
        List<Gone> gone) {

    /** A worker that has fallen silent: when its last report was read, and what it was running then. */
    record Gone(String name, long heard, int active, List<Map<String, Object>> runs) {}

    /** A worker. */
    record Worker(String name, int active, int shown, String settings) {}

    /** A server. */
    record Server(String server, boolean up, long latencyMicros, String detail) {
        static Server of(ServerHealth health) {
            return new Server(
                    health.server(), health.answers(), health.latency().toNanos() / 1000, health.detail());
        }
    }
}

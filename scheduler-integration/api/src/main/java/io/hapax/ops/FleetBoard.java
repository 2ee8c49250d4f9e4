package io.hapax.ops;

import io.hapax.lease.LeaseStore;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/**
 * The board on which workers report their state to operators. No run depends on it. Stages complete and fail
 * as those of {@link LeaseStore}. Thread-safe.
 */
public interface FleetBoard {

    /**
     * Puts up what a worker is at, in place of what it put up before.
     *
     * @param worker the worker's name
     * @param report the text
     * @param lifetime how long it stays unless it is replaced
     * @return whether somebody is reading
     */
    CompletionStage<Boolean> post(String worker, String report, Duration lifetime);

    /**
     * Reads what the workers have put up.
     *
     * @param readingFor how long the workers are to know that reports are read; zero for not at all
     * @return the reports by worker
     */
    CompletionStage<Map<String, String>> reports(Duration readingFor);
}

package io.hapax.testkit;

import io.hapax.ops.FleetBoard;
import io.hapax.testkit.BrokenLeaseStore.Flaw;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** What a {@link BrokenLeaseStore} makes of reports. */
record BrokenFleetBoard(FleetBoard board, Flaw flaw) implements FleetBoard {

    @Override
    public CompletionStage<Boolean> post(String worker, String report, Duration lifetime) {
        Duration kept = flaw == Flaw.KEEPS_OLD_REPORTS ? Duration.ofDays(1) : lifetime;
        return board.post(worker, report, kept).thenApply(read -> read && flaw != Flaw.NOBODY_EVER_READS);
    }

    @Override
    public CompletionStage<Map<String, String>> reports(Duration readingFor) {
        return board.reports(readingFor);
    }
}

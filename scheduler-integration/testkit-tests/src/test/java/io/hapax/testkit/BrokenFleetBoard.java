package io.hapax.testkit;

import io.hapax.ops.FleetBoard;
import io.hapax.testkit.BrokenLeaseStore.Flaw;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** What a {@link BrokenLeaseStore} makes of reports. */
record BrokenFleetBoard(FleetBoard board, Flaw flaw) implements FleetBoard {

    @Override
    public CompletionStage<Answer> post(Posting posting) {
        return board.post(bent(posting)).thenApply(answer -> switch (flaw) {
            case NOBODY_EVER_READS -> new Answer(false, answer.isAskedForAll(), answer.isKept(), answer.hasSummary());
            case KEEPS_ANY_CHANGE -> new Answer(answer.isRead(), answer.isAskedForAll(), true, true);
            case ASKS_FOR_NOTHING -> new Answer(answer.isRead(), false, answer.isKept(), answer.hasSummary());
            default -> answer;
        });
    }

    private Posting bent(Posting posting) {
        Duration kept = flaw == Flaw.KEEPS_OLD_REPORTS ? Duration.ofDays(1) : posting.lifetime();
        return new Posting(
                posting.worker(), kept, posting.summary(), posting.position(), posting.change(), posting.clock());
    }

    @Override
    public CompletionStage<Map<String, String>> summaries() {
        return board.summaries();
    }

    @Override
    public CompletionStage<Map<String, News>> news(Map<String, Position> known, Duration readingFor) {
        return board.news(flaw == Flaw.HANDS_OUT_EVERYTHING ? Map.of() : known, readingFor);
    }
}

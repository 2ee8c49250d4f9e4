package io.hapax.ops;

import io.hapax.lease.LeaseStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The board on which workers report their state to operators: each has a summary there, and, while somebody reads, numbered changes
 * of its report. {@link ReportWriter} and {@link ReportReader} are made for it. No run depends on it. Stages complete and fail
 * as those of {@link LeaseStore}. Thread-safe.
 */
public interface FleetBoard {

    /** How many of the newest changes of a worker are kept at least. */
    int CHANGES_KEPT = 30;

    /**
     * Puts up what is new of a worker.
     *
     * @param posting what is new; nothing new prolongs what is there
     * @return what the board has of the worker then
     */
    CompletionStage<Answer> post(Posting posting);

    /**
     * Reads what workers say of themselves while nobody reads their changes, too. Changes nothing.
     *
     * @return the summaries by worker
     */
    CompletionStage<Map<String, String>> summaries();

    /**
     * Reads what is new. A worker whose changes do not follow each other from what is known is asked for all of it if it is not in
     * {@code known}.
     *
     * @param known up to where the changes of workers are known, by worker as it was returned
     * @param readingFor how long the workers are to know that their changes are read, or longer if another reader has said so; zero
     *     for not at all, then none is asked for anything
     * @return what is new, by worker; of each worker whose time is not over
     */
    CompletionStage<Map<String, News>> news(Map<String, Position> known, Duration readingFor);

    /**
     * A place in the changes of a worker. Immutable.
     *
     * @param edition changes of one edition follow each other; empty if there are none
     * @param number of a change; number 0 has all that there is
     */
    record Position(String edition, long number) {

        /** Nobody reads, so there are no changes. */
        public static final Position NONE = new Position("", 0);

        /** Refuses a number below zero. */
        public Position {
            Objects.requireNonNull(edition, "edition");
            if (number < 0) {
                throw new IllegalArgumentException("changes are counted from 0, was " + number);
            }
        }

        /**
         * Tells with which change a reader goes on, for boards that have changes up to this place.
         *
         * @param known up to where the reader knows them; null if not at all
         * @return the number of the first change to hand out; behind this place if none is new, or none follows
         */
        public long firstAfter(@Nullable Position known) {
            if (known != null && known.edition.equals(edition)) {
                long next = known.number + 1;
                return next > number - CHANGES_KEPT ? next : number + 1;
            }
            return number < CHANGES_KEPT ? 0 : number + 1;
        }
    }

    /**
     * What is new of a worker. Immutable.
     *
     * @param worker its name
     * @param lifetime how long what is there stays
     * @param summary what it says of itself, in place of what it said before; null if that is still so
     * @param position of its newest change; {@link Position#NONE} takes all changes from the board
     * @param change that change; null if there is no new one. Number 0 takes the place of all that were there
     * @param clock what the worker's clock shows, in milliseconds since whenever
     */
    record Posting(
            String worker,
            Duration lifetime,
            @Nullable String summary,
            Position position,
            @Nullable String change,
            long clock) {

        /** Refuses a change without a place, and empty texts. */
        public Posting {
            if (summary != null && summary.isEmpty()) {
                throw new IllegalArgumentException("a summary has at least one character; null if it is as it was");
            }
            if (change != null && change.isEmpty()) {
                throw new IllegalArgumentException("a change has at least one character; null if there is none");
            }
            if (change != null && position.edition().isEmpty()) {
                throw new IllegalArgumentException("a change needs an edition: " + position);
            }
        }

        /**
         * A posting of a summary alone.
         *
         * @param worker the worker's name
         * @param summary what it says of itself
         * @param lifetime how long it stays unless it is replaced
         * @return the posting, which takes all changes from the board
         */
        public static Posting of(String worker, String summary, Duration lifetime) {
            return new Posting(worker, lifetime, summary, Position.NONE, null, 0);
        }

        /**
         * Tells whether the board has what is at its place, whatever it had before.
         *
         * @return whether it is a change number 0, or there are to be no changes
         */
        public boolean starts() {
            return position.edition().isEmpty() || (change != null && position.number() == 0);
        }
    }

    /**
     * What the board has of a worker once it has taken a posting. Immutable.
     *
     * @param isRead whether somebody reads
     * @param isAskedForAll whether a reader lacks changes that are no longer there, so that the next one is to be a number 0
     * @param isKept whether the board has all changes up to the place of the posting; if not, it has lost some, and the next one is
     *     to be a number 0
     * @param hasSummary whether the board has a summary
     */
    record Answer(boolean isRead, boolean isAskedForAll, boolean isKept, boolean hasSummary) {}

    /**
     * What is new of a worker. Immutable.
     *
     * @param edition of its changes; empty if there are none
     * @param first the number of the first change here, or of the one that comes next. A reader has a gap if it is beyond the one
     *     that follows what it knows, or above 0 in another edition
     * @param changes one after the other
     * @param summary what it says of itself; null where it tells no more than its changes
     * @param clock what its clock showed when it posted last
     */
    record News(
            String edition,
            long first,
            List<String> changes,
            @Nullable String summary,
            long clock) {

        /** Copies the list. */
        public News {
            changes = List.copyOf(changes);
        }
    }
}

package io.hapax.benchmarks.faults.history;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What was found from the start of one fault to the start of the next. Filled by the {@link Checker}. */
public final class Findings {

    private static final int TWICE = 3;
    private static final int OVERLAP = 2;
    private static final int HARMLESS = 1;

    private final String fault;
    private final @Nullable Event begin;
    private int occurrences;
    private int runs;
    private int lost;
    private int lostWithWorker;
    private int overlaps;
    private double longestOverlap;
    private int overlapsUntold;
    private double slowestReaction;
    private int refusedStale;
    private int tokensOutOfOrder;
    private int toldLate;
    private int overLimit;
    private int toldStarved;
    private int untold;
    private int unjudged;
    private boolean carriedOut;
    private long healed = Long.MIN_VALUE;
    private final Map<String, Integer> twice = new TreeMap<>();
    private final List<Double> toldAfter = new ArrayList<>();
    private final List<Double> toldAfterThaw = new ArrayList<>();
    private final List<Double> margins = new ArrayList<>();
    private final List<Double> takeovers = new ArrayList<>();
    private final List<String> examples = new ArrayList<>();
    private @Nullable ObservedRun worst;
    private int shownSeverity;
    private final List<Case> cases = new ArrayList<>();

    /**
     * One case of something that was found.
     *
     * @param kind what
     * @param subject the run, the two runs, or the occurrence that it is about
     * @param millis how late, where that matters
     * @param at where it was seen
     */
    public record Case(String kind, String subject, double millis, Event at) {}

    Findings(String fault, @Nullable Event begin) {
        this.fault = fault;
        this.begin = begin;
    }

    void carriedOut(long nanos) {
        if (!carriedOut) {
            carriedOut = true;
            healed = nanos;
        }
    }

    /** Where several faults strike at once, the others may be unable to take over until all are healed. */
    long ableSince() {
        return fault.contains("+") ? healed : Long.MIN_VALUE;
    }

    void due() {
        occurrences++;
    }

    void begun() {
        runs++;
    }

    void lost(String occurrence, Event due, boolean withWorker) {
        lost++;
        lostWithWorker += withWorker ? 1 : 0;
        cases.add(new Case("lost", occurrence, 0, due));
        example("lost " + occurrence + (withWorker ? " with the worker in whose memory it waited" : ""));
    }

    void twice(String resource, String occurrence, ObservedRun run) {
        twice.merge(resource, 1, Integer::sum);
        cases.add(new Case("twice-" + resource, occurrence, 0, run.begin()));
        example(resource + " twice " + occurrence + " by " + run.worker());
        show(run, TWICE);
    }

    void overlap(ObservedRun older, ObservedRun newer, double millis) {
        overlaps++;
        longestOverlap = Math.max(longestOverlap, millis);
        show(older, OVERLAP);
        Event told = older.told();
        if (told != null && told.nanos() <= newer.begun()) {
            slowestReaction = Math.max(slowestReaction, (older.lastActive() - told.nanos()) / 1e6);
            cases.add(new Case("overlap-told", older.id() + " " + newer.id(), millis, newer.begin()));
        } else {
            overlapsUntold++;
            cases.add(new Case("overlap-untold", older.id() + " " + newer.id(), millis, newer.begin()));
        }
        example("overlap on " + older.key() + " of " + older.worker() + " and " + newer.worker() + " for "
                + Math.round(millis) + " ms");
    }

    void overLimit(ObservedRun newest, int together, int limit) {
        overLimit++;
        cases.add(new Case("over-limit", newest.id(), 0, newest.begin()));
        example(together + " runs active on " + newest.family() + ", limit " + limit);
        show(newest, OVERLAP);
    }

    void refusedStale() {
        refusedStale++;
    }

    void tokenOutOfOrder(ObservedRun run) {
        tokensOutOfOrder++;
        cases.add(new Case("token-out-of-order", run.id(), 0, run.begin()));
        example("token " + run.token() + " of " + run.key() + " out of order");
    }

    void told(ObservedRun run, double afterMillis) {
        toldAfter.add(Math.max(0, afterMillis));
        margins.add(-afterMillis);
        if (afterMillis > 0) {
            toldLate++;
            cases.add(new Case("told-late", run.id(), afterMillis, run.begin()));
            example("notified " + Math.round(afterMillis) + " ms late");
        }
    }

    /** After the end of its lease, by no more than its process had no processor. */
    void excused() {
        toldStarved++;
    }

    void toldOfUnknownLease() {
        unjudged++;
    }

    void toldAfterThaw(ObservedRun run, double millis) {
        cases.add(new Case("told-late-after-thaw", run.id(), millis, run.begin()));
        toldAfter.add(millis);
        toldAfterThaw.add(millis);
    }

    void untold(ObservedRun run) {
        untold++;
        cases.add(new Case("never-told", run.id(), 0, run.begin()));
        example("never notified: " + run.occurrence() + " on " + run.worker());
    }

    void takenOver(ObservedRun broken, double afterMillis) {
        cases.add(new Case("taken-over-late", broken.id(), afterMillis, broken.begin()));
        takeovers.add(afterMillis);
    }

    private void example(String text) {
        if (examples.size() < 20) {
            examples.add(text);
        }
    }

    /** Shows the case in a timeline if there is none that is worse. */
    void show(ObservedRun run) {
        show(run, HARMLESS);
    }

    private void show(ObservedRun run, int severity) {
        if (severity > shownSeverity) {
            shownSeverity = severity;
            worst = run;
        }
    }

    /**
     * Names the fault.
     *
     * @return its name, or {@code none} before the first one
     */
    public String fault() {
        return fault;
    }

    /**
     * Returns the event that started the fault.
     *
     * @return the event; null before the first fault
     */
    public @Nullable Event begin() {
        return begin;
    }

    /**
     * Returns whether the nemesis carried out the fault that it started, and undid it.
     *
     * @return whether it did; true before the first fault
     */
    public boolean isCarriedOut() {
        return carriedOut || begin == null;
    }

    /**
     * Counts the occurrences that were due.
     *
     * @return how many
     */
    public int occurrences() {
        return occurrences;
    }

    /**
     * Counts the runs that started.
     *
     * @return how many
     */
    public int runs() {
        return runs;
    }

    /**
     * Counts occurrences without an effect, on the file or in PostgreSQL, when all was over.
     *
     * @return how many
     */
    public int lost() {
        return lost;
    }

    /**
     * Counts those of the lost ones that waited in the memory of a worker, to be tried again, when it was killed.
     *
     * @return how many
     */
    public int lostWithWorker() {
        return lostWithWorker;
    }

    /**
     * Counts pairs of runs on the same lock key of which the older one was still active after the newer one had started.
     *
     * @return how many
     */
    public int overlaps() {
        return overlaps;
    }

    /**
     * Tells how long the worst overlap lasted, from the first to the last activity of the older run, in ms.
     *
     * @return ms
     */
    public double longestOverlap() {
        return longestOverlap;
    }

    /**
     * Counts overlaps in which the older run did not know, when the newer one started, that it had lost its lease.
     *
     * @return how many
     */
    public int overlapsUntold() {
        return overlapsUntold;
    }

    /**
     * Returns how long the slowest of the other overlapping runs stayed active after its notification: how long its job took to
     * react, in ms.
     *
     * @return ms
     */
    public double slowestReaction() {
        return slowestReaction;
    }

    /**
     * Counts runs that started while the smallest limit that one of the active runs on their lock key states was already
     * reached.
     *
     * @return how many
     */
    public int overLimit() {
        return overLimit;
    }

    /**
     * Counts writes that the token-checking store refused.
     *
     * @return how many
     */
    public int stale() {
        return refusedStale;
    }

    /**
     * Counts fencing tokens that were equal to or lower than an earlier one of the same key.
     *
     * @return how many
     */
    public int tokensOutOfOrder() {
        return tokensOutOfOrder;
    }

    /**
     * Counts runs on a running process that were notified after their lease could have ended.
     *
     * @return how many
     */
    public int toldLate() {
        return toldLate;
    }

    /**
     * Counts runs that were notified after their lease could have ended, but by no more than the time in which the witness of their
     * process got no processor.
     *
     * @return how many
     */
    public int toldStarved() {
        return toldStarved;
    }

    /**
     * Counts runs on a running process that worked on beyond the end of their lease and were never notified.
     *
     * @return how many
     */
    public int untold() {
        return untold;
    }

    /**
     * Counts runs that were notified, but whose lease the observer did not see at the servers, so that nobody can say if in time.
     *
     * @return how many
     */
    public int unjudged() {
        return unjudged;
    }

    /**
     * Counts occurrences that took effect more than once.
     *
     * @param resource {@code file}, {@code store} or {@code row}
     * @return how many
     */
    public int twice(String resource) {
        return twice.getOrDefault(resource, 0);
    }

    /**
     * Lists how long after losing its lease, or after its process resumed, each run was notified, in ms.
     *
     * @return 0 for those that were notified in time
     */
    public List<Double> toldAfter() {
        return List.copyOf(toldAfter);
    }

    /**
     * Lists how long before the end of its lease each run was notified whose process was running, in ms.
     *
     * @return ms; negative for those that were notified late
     */
    public List<Double> margins() {
        return List.copyOf(margins);
    }

    /**
     * Lists, for each run that lost its lease during a pause of its process, how long after the end of the pause it was notified, in ms.
     *
     * @return ms
     */
    public List<Double> toldAfterThaw() {
        return List.copyOf(toldAfterThaw);
    }

    /**
     * Lists how long after the death of a worker the next run started on the lock key of each run that it left, in ms.
     *
     * @return ms
     */
    public List<Double> takeovers() {
        return List.copyOf(takeovers);
    }

    /**
     * Says in words what was found.
     *
     * @return the first twenty
     */
    public List<String> examples() {
        return List.copyOf(examples);
    }

    /**
     * Lists the findings, case by case, including runs that were notified or taken over in time.
     *
     * @return in the order in which it was found
     */
    public List<Case> cases() {
        return List.copyOf(cases);
    }

    @Nullable
    ObservedRun worst() {
        return worst;
    }
}

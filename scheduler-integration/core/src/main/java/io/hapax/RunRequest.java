package io.hapax;

import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The wish to run a job: what it is, and how it differs from the guard's defaults. Immutable.
 *
 * <pre>{@code
 * RunRequest.lock("invoice/42")                       // must not overlap
 * RunRequest.occurrence("report@2026-11-23T00:00Z")   // must not happen twice
 * RunRequest.lock("report").once("report@2026-11-23") // both
 * }</pre>
 */
public final class RunRequest {

    private final JobIdentity identity;
    private final @Nullable String job;
    private final UnaryOperator<RunOptions> tuning;
    private final Knowledge known;
    /**
     * The run whose code waits for it; null if that is not said. Not kept from being collected: of runs that each ask for the next one
     * all would be kept.
     */
    private final @Nullable WeakReference<GuardedRun> outer;

    /** What its scheduler knows of it. */
    private enum Fact {
        AGAIN,
        PLANNED,
        COMES_AGAIN_NOT,
        ONLY_COPY,
        WAITS_NOT,
        ENDS_WITH_FAILURE,
        APART
    }

    /**
     * What is known about a request besides its keys and options.
     *
     * @param facts what its scheduler knows
     * @param untilNext when the next occurrence is planned; null if that is not known
     * @param isSame whether a holder is another occurrence of its schedule; null if that is not known
     * @param holding what its thread holds meanwhile, as text for messages; null if nothing
     * @param pace under which name its throttle counts; null for that of the lock key
     */
    private record Knowledge(
            Set<Fact> facts,
            @Nullable Duration untilNext,
            @Nullable Predicate<? super Holder> isSame,
            @Nullable String holding,
            @Nullable LockKey pace) {

        static final Knowledge NONE = new Knowledge(Set.of(), null, null, null, null);

        Knowledge with(Set<Fact> others) {
            return new Knowledge(others, untilNext, isSame, holding, pace);
        }

        Knowledge next(Duration time) {
            return new Knowledge(facts, time, isSame, holding, pace);
        }

        Knowledge inSeries(Predicate<? super Holder> same) {
            return new Knowledge(facts, untilNext, same, holding, pace);
        }

        Knowledge holding(String keys) {
            return new Knowledge(facts, untilNext, isSame, keys, pace);
        }

        Knowledge paced(@Nullable LockKey name) {
            return new Knowledge(facts, untilNext, isSame, holding, name);
        }
    }

    private RunRequest(
            JobIdentity identity,
            @Nullable String job,
            UnaryOperator<RunOptions> tuning,
            Knowledge known,
            @Nullable WeakReference<GuardedRun> outer) {
        this.identity = identity;
        this.job = job;
        this.tuning = tuning;
        this.known = known;
        this.outer = outer;
    }

    private RunRequest with(Fact fact) {
        if (known.facts().contains(fact)) {
            return this;
        }
        Set<Fact> more = EnumSet.of(fact);
        more.addAll(known.facts());
        return new RunRequest(identity, job, tuning, known.with(more), outer);
    }

    /**
     * Asks for a run under keys.
     *
     * @param identity the keys
     * @return the request
     */
    public static RunRequest of(JobIdentity identity) {
        return new RunRequest(identity, null, UnaryOperator.identity(), Knowledge.NONE, null);
    }

    /**
     * Asks for a run that must not overlap with others under the same key.
     *
     * @param lockKey the lock key
     * @return the request
     * @throws IllegalArgumentException if the key breaks a rule of {@link LockKey}
     */
    public static RunRequest lock(String lockKey) {
        return of(new JobIdentity(new LockKey(lockKey), null));
    }

    /**
     * Asks for a run that must not happen twice.
     *
     * @param runKey the run key
     * @return the request
     * @throws IllegalArgumentException if the key breaks a rule of {@link RunKey}
     */
    public static RunRequest occurrence(String runKey) {
        return of(new JobIdentity(null, new RunKey(runKey)));
    }

    /**
     * Adds the run key: the run must not happen twice either.
     *
     * @param runKey the run key
     * @return the changed request
     * @throws IllegalArgumentException if the key breaks a rule of {@link RunKey}
     */
    public RunRequest once(String runKey) {
        Set<Fact> others = EnumSet.noneOf(Fact.class);
        others.addAll(known.facts());
        others.remove(Fact.PLANNED);
        return new RunRequest(
                new JobIdentity(identity.lockKey(), new RunKey(runKey)), job, tuning, known.with(others), outer);
    }

    /**
     * Names the job, for log lines and meters. Use few different names. Of what could break a line of a log, the name has
     * the number.
     *
     * @param name the name; by default the name of the key
     * @return the changed request
     */
    public RunRequest job(String name) {
        return new RunRequest(identity, VisibleText.of(name), tuning, known, outer);
    }

    /**
     * Sets the ttl of this run's lease.
     *
     * @param ttl how long the lease lives unless renewed
     * @return the changed request
     */
    public RunRequest ttl(Duration ttl) {
        return tune(options -> options.withTtl(ttl));
    }

    /**
     * Lets this run wait for its key.
     *
     * @param timeout for how long at most
     * @return the changed request
     */
    public RunRequest waitAtMost(Duration timeout) {
        return tune(options -> options.withOnConflict(OnConflict.WAIT).withWaitTimeout(timeout));
    }

    /**
     * Changes the guard's defaults for this run.
     *
     * @param change from the defaults to this run's options
     * @return the changed request
     */
    public RunRequest tune(UnaryOperator<RunOptions> change) {
        return new RunRequest(identity, job, options -> change.apply(tuning.apply(options)), known, outer);
    }

    /**
     * Says that this run was refused before and is tried again. With {@link OnConflict#CANCEL_OTHER} it then gives way to a
     * newer one instead of cancelling it.
     *
     * @return the changed request
     */
    public RunRequest again() {
        return with(Fact.AGAIN);
    }

    /**
     * States that a scheduler made the run key, for an occurrence that it planned, and that no user chose it. Every
     * replica asks for such an occurrence, so that a refusal because another replica has completed it is logged at DEBUG only.
     *
     * @return the changed request
     */
    public RunRequest planned() {
        return with(Fact.PLANNED);
    }

    /**
     * Says that this work does not come again by itself: with {@link OnConflict#AUTO} it is tried again, where what recurs would
     * be skipped.
     *
     * @return the changed request
     */
    public RunRequest oneOff() {
        return with(Fact.COMES_AGAIN_NOT);
    }

    /**
     * States that nobody else will ask for this occurrence: it is not dropped because it is running elsewhere, or because the store
     * does not answer, whatever the policy.
     *
     * @return the changed request
     */
    public RunRequest onlyCopy() {
        return with(Fact.ONLY_COPY);
    }

    /**
     * Asks once, on a thread that must not wait. With {@link OnConflict#WAIT} the answer to a held key is
     * {@link AfterRefusal#WAIT}.
     *
     * @return the changed request
     */
    public RunRequest withoutWaiting() {
        return with(Fact.WAITS_NOT);
    }

    /**
     * Says that the occurrence is over when this run fails: it is noted as failed, and no other run is admitted to it. By
     * default a run that fails leaves its occurrence free for another attempt. Has no effect without a run key.
     *
     * @return the changed request
     */
    public RunRequest endsWithFailure() {
        return with(Fact.ENDS_WITH_FAILURE);
    }

    /**
     * Says that the work is no part of the transaction in which it is asked for, so that the run may end before that.
     *
     * @return the changed request
     */
    public RunRequest apart() {
        return with(Fact.APART);
    }

    /**
     * States when the job's next occurrence is planned. With {@link OnConflict#AUTO} a run that is refused because this very
     * occurrence is running elsewhere is tried again if the next one is further away than the ttl: if the other worker dies,
     * nobody would repeat it before the next one. A run that is refused because the store does not answer is tried again likewise, until
     * the next one is due.
     *
     * @param time from now; negative if it is overdue
     * @return the changed request
     */
    public RunRequest nextIn(Duration time) {
        return new RunRequest(identity, job, tuning, known.next(time), outer);
    }

    /**
     * States which keys the calling thread holds while it waits for this one, for example when a transaction keeps them until it
     * commits. A refusal after the whole {@linkplain RunOptions#waitTimeout() wait} then says so: its holder may wait for
     * one of them.
     *
     * @param keys the keys, as text for messages
     * @return the changed request
     */
    public RunRequest whileHolding(String keys) {
        return new RunRequest(identity, job, tuning, known.holding(keys), outer);
    }

    /**
     * Says which run this one is asked for in, of which {@link JobGuard#admitAsync} does not know: its code goes on with the answer,
     * and it ends after this run, on whatever threads. A key that it holds, or a run around it, is then refused at once, as waiting for
     * that would never end. For interceptors of frameworks.
     *
     * @param outer the run whose code waits for the answer
     * @return the changed request
     */
    public RunRequest within(GuardedRun outer) {
        return new RunRequest(identity, job, tuning, known, new WeakReference<>(outer));
    }

    /**
     * Counts the throttle of this run under a name of its own, where others have the same lock key, but not the same pace.
     *
     * @param name the name, as of a lock key that nobody else has
     * @return the changed request
     */
    public RunRequest pacedBy(String name) {
        return new RunRequest(identity, job, tuning, known.paced(new LockKey(name)), outer);
    }

    /**
     * Says which holders are other occurrences of the same schedule. With {@link OnConflict#AUTO} what comes again by itself is
     * then skipped behind these only, and waits its turn behind all others. By default it is skipped behind any holder.
     *
     * @param isSame whether a holder of the lock key is another occurrence of this schedule
     * @return the changed request
     */
    public RunRequest inSeries(Predicate<? super Holder> isSame) {
        return new RunRequest(identity, job, tuning, known.inSeries(isSame), outer);
    }

    /**
     * Says that the run key tells the schedule: up to its last {@code @}, behind which is what is different in each occurrence. One
     * that has no such part, because it is a user's own or kept as a digest, has no other occurrences.
     *
     * @return the changed request
     */
    public RunRequest inSeriesOfRunKey() {
        String own = VisibleText.of(String.valueOf(identity.runKey()));
        int end = own.lastIndexOf('@');
        return inSeries(holder -> end > 0
                && holder.run().startsWith(own.substring(0, end + 1))
                && holder.run().lastIndexOf('@') == end);
    }

    /** The run that it was asked for in; null if that was not said, or nobody has that any more. */
    @Nullable
    GuardedRun outer() {
        return outer == null ? null : outer.get();
    }

    @Nullable
    String holding() {
        return known.holding();
    }

    /** Under which its throttle counts. */
    @Nullable
    LockKey pace() {
        return known.pace() == null ? identity.lockKey() : known.pace();
    }

    RunRequest hashed(KeyHashing keys) {
        LockKey pace = known.pace();
        LockKey hashed =
                pace == null ? null : keys.of(new JobIdentity(pace, null)).lockKey();
        return new RunRequest(keys.of(identity), job, tuning, known.paced(hashed), outer);
    }

    boolean isPlanned() {
        return known.facts().contains(Fact.PLANNED);
    }

    boolean isApart() {
        return known.facts().contains(Fact.APART);
    }

    boolean isAgain() {
        return known.facts().contains(Fact.AGAIN);
    }

    boolean comesAgain() {
        return !known.facts().contains(Fact.COMES_AGAIN_NOT);
    }

    /** Whether the holder is known to be somebody else than an occurrence of the same schedule. */
    boolean isOfOtherSeries(@Nullable Holder holder) {
        Predicate<? super Holder> isSame = known.isSame();
        return isSame != null && (holder == null || !isSame.test(holder));
    }

    boolean isOnlyCopy() {
        return known.facts().contains(Fact.ONLY_COPY);
    }

    boolean isOverWhenItFails() {
        return known.facts().contains(Fact.ENDS_WITH_FAILURE) && identity.runKey() != null;
    }

    /** When the next occurrence is planned; null if that is not known. */
    @Nullable
    Duration untilNext() {
        return known.untilNext();
    }

    /** Whether nobody would make up for this occurrence for longer than a time. */
    boolean isFarFromNext(Duration time) {
        Duration next = known.untilNext();
        return next != null && next.compareTo(time) > 0;
    }

    /** Whether the next occurrence makes up for this one by now. */
    boolean isNextDue() {
        Duration next = known.untilNext();
        return next != null && next.compareTo(Duration.ZERO) <= 0;
    }

    boolean mayWait() {
        return !known.facts().contains(Fact.WAITS_NOT);
    }

    /**
     * Returns the keys.
     *
     * @return the identity
     */
    public JobIdentity identity() {
        return identity;
    }

    /**
     * Returns the name of the job.
     *
     * @return the name to show
     */
    public String job() {
        return job == null ? VisibleText.of(identity.leaseName()) : job;
    }

    /**
     * Works out this run's options.
     *
     * @param defaults the guard's defaults
     * @return the options
     */
    public RunOptions options(RunOptions defaults) {
        return tuning.apply(defaults);
    }

    @Override
    public String toString() {
        return job() + " [" + identity + "]";
    }
}

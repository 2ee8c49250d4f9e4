package io.hapax;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import java.time.Duration;
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
    private final Nature nature;

    /** What a scheduler says of a run. */
    private record Nature(boolean again, boolean planned, boolean endsWithFailure) {
        private static final Nature PLAIN = new Nature(false, false, false);
    }

    private RunRequest(JobIdentity identity, @Nullable String job, UnaryOperator<RunOptions> tuning, Nature nature) {
        this.identity = identity;
        this.job = job;
        this.tuning = tuning;
        this.nature = nature;
    }

    /**
     * Asks for a run under keys.
     *
     * @param identity the keys
     * @return the request
     */
    public static RunRequest of(JobIdentity identity) {
        return new RunRequest(identity, null, UnaryOperator.identity(), Nature.PLAIN);
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
        Nature chosen = new Nature(nature.again, false, nature.endsWithFailure);
        return new RunRequest(new JobIdentity(identity.lockKey(), new RunKey(runKey)), job, tuning, chosen);
    }

    /**
     * Names the job, for log lines and meters. Use few different names. Of what could break a line of a log, the name has
     * the number.
     *
     * @param name the name; by default the name of the key
     * @return the changed request
     */
    public RunRequest job(String name) {
        return new RunRequest(identity, VisibleText.of(name), tuning, nature);
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
        return new RunRequest(identity, job, options -> change.apply(tuning.apply(options)), nature);
    }

    /**
     * Says that this run was refused before and is tried again. With {@link OverlapPolicy#CANCEL_OTHER} it then gives way to a
     * newer one instead of cancelling it.
     *
     * @return the changed request
     */
    public RunRequest again() {
        return of(new Nature(true, nature.planned, nature.endsWithFailure));
    }

    /**
     * Says that the run key was made by a scheduler, for an occurrence that it has planned, and not chosen by a person. Every
     * replica asks for such an occurrence, so that another one has completed it is told at DEBUG only.
     *
     * @return the changed request
     */
    public RunRequest planned() {
        return of(new Nature(nature.again, true, nature.endsWithFailure));
    }

    /**
     * Says that the occurrence is over when this run fails: it is noted as failed, and no other run is admitted to it. By
     * default a run that fails leaves its occurrence free for another attempt. Has no effect without a run key.
     *
     * @return the changed request
     */
    public RunRequest endsWithFailure() {
        return of(new Nature(nature.again, nature.planned, true));
    }

    private RunRequest of(Nature changed) {
        return new RunRequest(identity, job, tuning, changed);
    }

    RunRequest hashed(KeyHashing keys) {
        return new RunRequest(keys.of(identity), job, tuning, nature);
    }

    boolean isPlanned() {
        return nature.planned;
    }

    boolean isAgain() {
        return nature.again;
    }

    boolean isOverWhenItFails() {
        return nature.endsWithFailure && identity.runKey() != null;
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
     * @return the name for people
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

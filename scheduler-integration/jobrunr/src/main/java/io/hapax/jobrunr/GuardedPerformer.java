package io.hapax.jobrunr;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.QueuedJob;
import io.hapax.WorkTransaction;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.VisibleText;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.server.BackgroundJobPerformer;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.JobSteward;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Performs one job under the guard: asks, works, and completes the run before JobRunr stores that the job succeeded, so
 * that a success that cannot be stored is recognised by the retry.
 *
 * <p>Used by one thread. JobRunr calls {@link #performJob} when the job is stored as PROCESSING already.
 */
final class GuardedPerformer extends BackgroundJobPerformer {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);

    /** Starts whatever this module writes into a job. */
    static final String US = "[hapax] ";

    private final BackgroundJobServer server;
    private final Job job;
    private final JobClasses classes;
    private final JobRewriter rewriter;
    private final HandOver.Turn turn;

    private @Nullable GuardedRun run;
    private @Nullable QueuedJob queued;
    private GuardedRun.@Nullable Scope scope;
    /** Succeeding wipes the job's metadata. Also written when the lease is lost, by another thread. */
    private volatile Map<String, Object> metadata = Map.of();

    GuardedPerformer(BackgroundJobServer server, Job job, JobClasses classes, HandOver.Turn turn, InstantSource clock) {
        super(server, job);
        this.server = server;
        this.job = job;
        this.classes = classes;
        this.turn = turn;
        this.rewriter = new JobRewriter(server, clock);
    }

    /** Afterwards the job has the state that JobRunr, its filters and the guard have given it. */
    @Override
    public void run() {
        try {
            runInQueue();
        } finally {
            turn.finish();
        }
    }

    private void runInQueue() {
        try {
            super.run();
        } finally {
            QueuedJob place = queued;
            if (place != null) {
                leaveQueue(place);
            }
        }
    }

    private void leaveQueue(QueuedJob place) {
        switch (rewriter.stored(job)) {
            case SUCCEEDED -> place.succeeded();
            case FAILED, DELETED -> place.ended();
            // To be retried, postponed, or changed by somebody else.
            default -> place.retried();
        }
    }

    @Override
    protected void performJob() throws Exception {
        try (turn) {
            if (turn.begins()) {
                InheritedContext.forget(job);
                performInTurn();
            }
        }
    }

    private void performInTurn() throws Exception {
        JobGuard guard = JobRunrGuard.guardOf(server);
        if (guard == null) {
            withoutGuard();
            return;
        }
        ServerCheck.firstJob(server, guard.defaults().ttl(), guard.worker());
        RunPlan plan;
        try {
            plan = planned(guard);
        } catch (JobRefusedException wrong) {
            if (!guard.defaults().observe()) {
                throw wrong;
            }
            LOG.error(
                    "job {} would have failed, but the guard only observes: {}",
                    job.getId(),
                    String.valueOf(wrong.getMessage()));
            plan = null;
        }
        if (plan == null) {
            super.performJob();
            return;
        }
        queued = plan.queued();
        clearLeftoverInterrupt();
        turn.asks(plan.identity().lockKey());
        Admission admission;
        try {
            admission = admit(guard, plan);
        } catch (InterruptedException e) {
            interruptedBeforeRun(e);
            return;
        }
        if (admission instanceof Admission.Admitted admitted) {
            perform(admitted.run());
        } else {
            refused(plan, (Admission.Refused) admission);
        }
    }

    private void refused(RunPlan plan, Admission.Refused refused) {
        QueuedJob place = queued;
        // From the moment in which it waits, the job is in the hands of the thread that takes it up.
        queued = null;
        RefusedJob answer = new RefusedJob(server, job, rewriter);
        if (!answer.waits(plan, refused, turn, place)) {
            queued = place;
            answer.answer(plan, refused);
        }
    }

    /** An interrupt that was meant for an earlier job must not postpone this one. */
    private void clearLeftoverInterrupt() {
        // Cleared before the server is asked: an interrupt that comes later is meant for this job.
        if (!Thread.interrupted()) {
            return;
        }
        if (job.hasState(StateName.DELETED) || !ServerLife.isRunning(server)) {
            Thread.currentThread().interrupt();
        } else {
            LOG.debug("the thread of job {} was left interrupted", job.getId());
        }
    }

    private void withoutGuard() throws Exception {
        if (JobRunrGuard.unguardedAllowed()) {
            super.performJob();
            return;
        }
        ServerCheck.noGuard(server);
        rewriter.postpone(
                job,
                0,
                pollInterval(),
                "no guard is installed on the worker; JobRunrGuard.install(guard) is missing there");
    }

    private @Nullable RunPlan planned(JobGuard guard) {
        try {
            RunPlan plan = RunPlan.of(
                    job, guard, classes.of(server, job.getJobDetails()), new StoredJobs(server.getStorageProvider()));
            if (plan != null && !plan.options().ttl().equals(guard.defaults().ttl())) {
                ServerCheck.warnOfLongTtl(
                        server, "the ttl of " + plan.name(), plan.options().ttl());
            }
            return plan;
        } catch (IllegalArgumentException wrong) {
            throw wrongSettings(wrong);
        }
    }

    /** Trying again would not help. */
    private static JobRefusedException wrongSettings(IllegalArgumentException wrong) {
        return new JobRefusedException(US + "not run: " + wrong.getMessage(), wrong);
    }

    private Admission admit(JobGuard guard, RunPlan plan) throws InterruptedException {
        try {
            return plan.waits()
                    ? admitWaiting(guard, plan)
                    : guard.admit(plan.request(JobRewriter.postponements(job) > 0));
        } catch (IllegalArgumentException wrong) {
            throw wrongSettings(wrong);
        } catch (IllegalStateException failed) {
            // What the store refuses arrives wrapped.
            throw failed.getCause() instanceof IllegalArgumentException wrong ? wrongSettings(wrong) : failed;
        }
    }

    /** Sends heartbeats while it waits; else JobRunr would take the job for orphaned. */
    private Admission admitWaiting(JobGuard guard, RunPlan plan) throws InterruptedException {
        if (plan.again()) {
            // If an earlier attempt at this job is still running, our heartbeats would make JobRunr interrupt it.
            Admission now = guard.admit(plan.request(false).withoutWaiting());
            if (now.fold(admitted -> true, refusal -> refusal.verdict() == Verdict.RUNNING)) {
                return now;
            }
        }
        JobSteward steward = server.getJobSteward();
        steward.startProcessing(job, Thread.currentThread());
        Admission admission;
        try {
            admission = guard.admit(plan.request(false));
        } finally {
            // Before the job itself starts: the steward interrupts the thread that it finds running the same job.
            steward.stopProcessing(job);
        }
        if (Thread.interrupted() || job.hasState(StateName.DELETED)) {
            if (admission instanceof Admission.Admitted late) {
                late.run().close();
            }
            throw new InterruptedException("interrupted at the end of waiting");
        }
        return admission;
    }

    private void interruptedBeforeRun(InterruptedException interrupt) throws InterruptedException {
        if (job.hasState(StateName.DELETED)) {
            // Deleted from the dashboard: JobRunr drops it.
            throw interrupt;
        }
        rewriter.postpone(job, JobRewriter.postponements(job), Duration.ZERO, "interrupted before it could start");
        if (!ServerLife.isRunning(server)) {
            Thread.currentThread().interrupt();
        }
    }

    private void perform(GuardedRun admitted) throws Exception {
        try {
            scope = admitted.enter();
        } catch (LeaseLostException lapsed) {
            admitted.close();
            rewriter.postpone(job, 0, Duration.ZERO, "the worker stood still until " + lapsed.getMessage());
            return;
        }
        run = admitted;
        HeartbeatWatch heartbeats = null;
        try {
            // In here, since the run is renewed from its entry on: whatever fails from there on has to end it.
            heartbeats = new HeartbeatWatch(server, job);
            if (queued != null) {
                queued.begun();
            }
            JobRewriter.forgetPostponements(job);
            metadata = new HashMap<>(job.getMetadata());
            admitted.onLeaseLost(loss -> keepMetadata());
            JobDetails code = job.getJobDetails();
            new WorkTransaction(admitted).around(code.getClassName(), code.getMethodName());
            super.performJob();
        } catch (Exception e) {
            leave();
            admitted.fail(e);
            if (isCancelled(admitted) && job.hasState(StateName.PROCESSING)) {
                job.delete(cancelled(admitted));
                rewriter.saveUnlessChanged(job);
                return;
            }
            throw asLoss(admitted, e);
        } catch (Throwable e) {
            leave();
            admitted.fail(e);
            throw e;
        } finally {
            if (heartbeats != null) {
                heartbeats.stop();
            }
            leave();
            // Only if JobRunr did not come to save a success, because the job was deleted while it was running.
            admitted.close();
        }
    }

    /** A retry would cancel the run that this one gave way to. */
    private static boolean isCancelled(GuardedRun admitted) {
        return admitted.lost().filter(LossReason.CANCELLED::equals).isPresent();
    }

    private static String cancelled(GuardedRun run) {
        return US + "cancelled: a later run of '"
                + VisibleText.of(run.identity().leaseName()) + "' takes its place";
    }

    /** JobRunr reads an interrupt in the cause of a failure as its own shutdown, hence a suppressed exception. */
    private Exception asLoss(GuardedRun admitted, Exception thrown) {
        if (admitted.lost().isEmpty() || job.hasState(StateName.DELETED)) {
            return thrown;
        }
        LeaseLostException loss = lossOf(admitted);
        loss.addSuppressed(thrown);
        return loss;
    }

    /** The job's own thread may succeed meanwhile, which wipes the metadata a moment before it changes the state. */
    private void keepMetadata() {
        Map<String, Object> latest = new HashMap<>(metadata);
        latest.putAll(job.getMetadata());
        if (job.hasState(StateName.PROCESSING)) {
            metadata = latest;
        }
    }

    private static LeaseLostException lossOf(GuardedRun lost) {
        try {
            lost.ensureHeld();
        } catch (LeaseLostException loss) {
            return loss;
        }
        throw new IllegalStateException("a run was lost and is held: " + lost.identity());
    }

    /** Ends the stretch in which this thread is interrupted on the run's behalf. */
    private void leave() {
        GuardedRun.Scope entered = scope;
        scope = null;
        if (entered != null) {
            entered.close();
        }
    }

    /** The only place between the end of the job's code and the storing of its success. */
    @Override
    protected void saveAndRunStateRelatedJobFilters(Job saved) {
        GuardedRun ending = run;
        if (ending == null || !saved.hasState(StateName.SUCCEEDED)) {
            super.saveAndRunStateRelatedJobFilters(saved);
            return;
        }
        RunOutcome outcome = ending.complete();
        leave();
        if (outcome == RunOutcome.LOST && isCancelled(ending)) {
            rewriter.deleteInsteadOfSucceed(saved, metadata, cancelled(ending));
        } else if (outcome == RunOutcome.LOST) {
            rewriter.failInsteadOfSucceed(
                    saved, metadata, US + "the result does not count, because the lease was lost", lossAtEnd(ending));
        } else if (outcome == RunOutcome.FAILED) {
            String why = "the result does not count, because the transaction that completed the run did not commit";
            rewriter.failInsteadOfSucceed(saved, metadata, US + why, new IllegalStateException(why));
        } else {
            super.saveAndRunStateRelatedJobFilters(saved);
        }
    }

    /** The store can be the first to say that the lease is gone; then the run itself knows of no loss. */
    private static Exception lossAtEnd(GuardedRun ending) {
        return ending.lost().isPresent()
                ? lossOf(ending)
                : new IllegalStateException("the lease on '"
                        + VisibleText.of(ending.identity().leaseName()) + "' was gone when the run completed");
    }

    private Duration pollInterval() {
        return server.getConfiguration().getPollInterval();
    }
}

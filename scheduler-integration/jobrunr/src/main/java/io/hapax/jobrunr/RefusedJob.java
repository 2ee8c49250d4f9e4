package io.hapax.jobrunr;

import static io.hapax.jobrunr.GuardedPerformer.US;

import io.hapax.Admission;
import io.hapax.AfterRefusal;
import io.hapax.OnConflict;
import io.hapax.QueuedJob;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.VisibleText;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.context.JobDashboardLogger;
import org.jobrunr.server.BackgroundJobServer;
import org.jspecify.annotations.Nullable;

/** What happens to a job that the guard did not let run. */
final class RefusedJob {

    private final BackgroundJobServer server;
    private final Job job;
    private final JobRewriter rewriter;

    RefusedJob(BackgroundJobServer server, Job job, JobRewriter rewriter) {
        this.server = server;
        this.job = job;
        this.rewriter = rewriter;
    }

    /**
     * Lets a job that would be tried again wait for its key on this server, if another of its jobs has it.
     *
     * @return false if it is to be {@linkplain #answer answered}
     */
    boolean waits(RunPlan plan, Admission.Refused refused, HandOver.Turn turn, @Nullable QueuedJob place) {
        Refusal refusal = refused.refusal();
        if (refusal.verdict() != Verdict.OVERLAP) {
            return false;
        }
        turn.keyIsHeld();
        OnConflict policy = plan.options().onConflict();
        // Who has waited in vain, or asks who else waits, looks again later.
        boolean mayWait = refused.then() == AfterRefusal.TRY_AGAIN
                && policy != OnConflict.WAIT
                && !policy.isAboutOthers()
                && JobRewriter.postponements(job) < JobRunrGuard.maxPostponementsOf(server);
        if (mayWait && place != null) {
            // Before it waits: the one that takes it up may give the place away.
            place.retried();
        }
        return mayWait && turn.waits(atOnce -> postpone(plan, refusal, atOnce ? Duration.ZERO : delay(refusal)));
    }

    /** Stores what follows from a refusal, or throws what makes JobRunr fail the job without a retry. */
    void answer(RunPlan plan, Admission.Refused refused) {
        Refusal refusal = refused.refusal();
        Verdict verdict = refusal.verdict();
        switch (refused.then()) {
            case SKIP -> {
                if (verdict == Verdict.DONE || verdict == Verdict.QUEUED) {
                    doneBefore(refusal);
                } else {
                    job.delete(US + "skipped: " + text(plan, refusal));
                    rewriter.saveUnlessChanged(job);
                }
            }
            case TRY_AGAIN, WAIT -> {
                if (verdict == Verdict.PAUSED || verdict == Verdict.UNAVAILABLE) {
                    rewriter.postpone(job, 0, delay(refusal), text(plan, refusal));
                } else {
                    postpone(plan, refusal, delay(refusal));
                }
            }
            // Without a retry, so that the dashboard shows it to a person.
            case FAIL -> throw new JobRefusedException(US + "not run: " + text(plan, refusal));
        }
    }

    /** JobRunr has no reason for a success, hence the line in the dashboard's log. */
    private void doneBefore(Refusal refusal) {
        new JobDashboardLogger(job).warn(US + "not run: this occurrence was " + refusal.reason());
        job.succeeded();
        rewriter.saveUnlessChanged(job);
    }

    private void postpone(RunPlan plan, Refusal refusal, Duration delay) {
        int count = JobRewriter.postponements(job) + 1;
        if (count > JobRunrGuard.maxPostponementsOf(server)) {
            throw new JobRefusedException(US + "given up after " + (count - 1) + " postponements, see"
                    + " JobRunrGuard.maxPostponements: " + text(plan, refusal));
        }
        rewriter.postpone(job, count, delay, text(plan, refusal));
    }

    private static String text(RunPlan plan, Refusal refusal) {
        return refusal.verdict() + " on '" + VisibleText.of(plan.identity().leaseName()) + "': " + refusal.reason();
    }

    /** JobRunr looks for due jobs once a poll interval. The random part keeps jobs that wait together apart. */
    private Duration delay(Refusal refusal) {
        Duration poll = server.getConfiguration().getPollInterval();
        boolean knowsWhen = refusal.verdict() == Verdict.THROTTLED;
        Duration base = knowsWhen || refusal.retryAfter().compareTo(poll) < 0 ? refusal.retryAfter() : poll;
        return base.plusMillis(ThreadLocalRandom.current().nextLong(poll.toMillis() / 4 + 1));
    }
}

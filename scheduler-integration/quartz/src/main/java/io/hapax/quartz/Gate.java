package io.hapax.quartz;

import io.hapax.Admission;
import io.hapax.Admission.Admitted;
import io.hapax.Admission.Refused;
import io.hapax.AfterRefusal;
import io.hapax.JobGuard;
import io.hapax.QueuedJob;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.VisibleText;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Trigger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Decides about firings: asks the guard, and carries out what happens to a refused one. Never throws. */
final class Gate {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");
    private static final Object DECISION = new Object();

    private final JobGuard guard;
    private final JobSettings settings;
    private final RetryTriggers retries;
    private final KeptData keptData;

    Gate(JobGuard guard, JobSettings settings, RetryTriggers retries, KeptData keptData) {
        this.guard = guard;
        this.settings = settings;
        this.retries = retries;
        this.keptData = keptData;
    }

    /**
     * Checks a job before its first firing, as each firing is checked, but for what its trigger brings.
     *
     * @throws IllegalArgumentException if it would not be run; the message names job and annotation, and says what is allowed
     */
    void check(JobDetail job, boolean completedByTriggers) {
        if (!JobPlacement.isSwitchedOff(job)) {
            try {
                JobPlacement.require(job.getJobClass());
            } catch (IllegalArgumentException wrong) {
                throw new IllegalArgumentException("job " + JobSettings.name(job) + ": " + wrong.getMessage(), wrong);
            }
            keptData.require(job);
            settings.check(job, completedByTriggers);
        }
    }

    /** What the keys of a job name that its own data does not have. */
    Set<String> missing(JobDetail job) {
        return JobPlacement.isSwitchedOff(job) ? Set.of() : settings.missing(job);
    }

    /** Whether what is wrong is logged, and nothing else. */
    boolean onlyObserves() {
        return guard.defaults().observe();
    }

    /** Leaves a decision for the job that is about to be executed. */
    static void leave(JobExecutionContext context, Decision decision) {
        context.put(DECISION, decision);
    }

    /** Takes the decision that was left, so that a refired job does not find it again. */
    static @Nullable Decision take(JobExecutionContext context) {
        Object decision = context.get(DECISION);
        if (decision != null) {
            context.put(DECISION, null);
        }
        return (Decision) decision;
    }

    /** The place in the queue of a job that is about to be scheduled. */
    QueuedJob queued(JobDetail job, Trigger trigger, String id) {
        JobPlacement.require(job.getJobClass());
        return settings.queued(job, trigger, id);
    }

    boolean guards(JobExecutionContext context) {
        try {
            return settings.plan(context).isPresent();
        } catch (IllegalArgumentException wrong) {
            return true;
        }
    }

    /** What has to hear of pauses. */
    Replacements replacements() {
        return retries.replacements();
    }

    Decision decide(JobExecutionContext context, boolean mayWait) {
        Optional<FiringPlan> plan;
        try {
            plan = settings.plan(context);
            if (plan.isPresent()) {
                JobPlacement.require(context.getJobDetail().getJobClass());
                keptData.require(context.getJobDetail());
            }
        } catch (RuntimeException wrong) {
            return wrongSettings(context, wrong);
        }
        if (plan.isEmpty()) {
            return new Decision.Unguarded();
        }
        try {
            String hindrance = retries.hindrance(context, plan.get());
            if (hindrance != null) {
                return new Decision.Skip("job " + plan.get().job() + " is not run: " + hindrance);
            }
            Admission admission = guard.admit(plan.get().request(mayWait));
            return admission instanceof Admitted admitted
                    ? new Decision.Run(admitted.run(), plan.get().queued())
                    : refused(context, plan.get(), (Refused) admission);
        } catch (IllegalArgumentException wrong) {
            return wrongSettings(context, wrong);
        } catch (InterruptedException e) {
            // The flag stays cleared: Quartz needs this thread to tell its job store what became of the firing.
            return refused(
                    context,
                    plan.get(),
                    unknown(
                            "the thread was interrupted while it asked",
                            e,
                            plan.get().isTriedAgainIfInterrupted()));
        } catch (RuntimeException | Error e) {
            if (guard.defaults().observe()) {
                LOG.error(
                        "job {} would not have run, but the guard only observes: it failed",
                        plan.get().job(),
                        e);
                return new Decision.Unguarded();
            }
            LOG.error("job {} is not run: the guard failed", plan.get().job(), e);
            return refused(
                    context,
                    plan.get(),
                    unknown("the guard failed: " + e, e, plan.get().isTriedAgain()));
        }
    }

    /** Tries a firing again that came by unguarded because somebody has replaced the job factory. */
    void retryUnguarded(JobExecutionContext context) {
        settings.plan(context)
                .ifPresent(plan -> retries.schedule(
                        context, plan, unavailable("the job factory was replaced, so the job was not guarded", null)));
    }

    private Decision wrongSettings(JobExecutionContext context, RuntimeException wrong) {
        boolean observes = guard.defaults().observe();
        String reason = VisibleText.of("job " + context.getJobDetail().getKey()
                + (observes ? " would have failed, but the guard only observes" : " is not run")
                + ", because its guard is set up wrongly: " + wrong.getMessage());
        if (wrong instanceof IllegalArgumentException) {
            // Its message says it all, and as part of a stack trace could break the line.
            LOG.error("{}", reason);
        } else {
            LOG.error("{}", reason, wrong);
        }
        return observes ? new Decision.Unguarded() : new Decision.Fail(reason, wrong);
    }

    private static Refusal unavailable(String reason, @Nullable Throwable cause) {
        return new Refusal(Verdict.UNAVAILABLE, null, Duration.ZERO, reason, cause);
    }

    private static Refused unknown(String reason, Throwable cause, boolean again) {
        return new Refused(unavailable(reason, cause), again ? AfterRefusal.TRY_AGAIN : AfterRefusal.SKIP);
    }

    private Decision refused(JobExecutionContext context, FiringPlan plan, Refused refused) {
        Refusal refusal = refused.refusal();
        String reason = "job " + plan.job() + " [" + plan.identity() + "] is not run, " + refusal;
        return switch (refused.then()) {
            case SKIP -> {
                ended(plan);
                if (refusal.verdict() == Verdict.UNAVAILABLE && plan.attempt() > 0) {
                    LOG.warn(
                            "GIVEN UP: job {} [{}] could not be asked for before its next firing was due, or while others remember whether it has run; its work may not be done. Last refusal: {}",
                            plan.job(),
                            plan.identity(),
                            refusal);
                }
                yield new Decision.Skip(reason);
            }
            case TRY_AGAIN -> {
                if (plan.queued() != null) {
                    plan.queued().retried();
                }
                RetryTriggers.Next next = retries.schedule(context, plan, refusal);
                if (!next.comesAgain()) {
                    ended(plan);
                }
                yield new Decision.Skip(reason + "; it " + next.told());
            }
            case WAIT -> new Decision.Wait();
            case FAIL -> {
                ended(plan);
                yield new Decision.Fail(reason, refusal.cause());
            }
        };
    }

    private static void ended(FiringPlan plan) {
        if (plan.queued() != null) {
            plan.queued().ended();
        }
    }
}

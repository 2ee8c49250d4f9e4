package io.hapax.quartz;

import io.hapax.Admission;
import io.hapax.Admission.Admitted;
import io.hapax.Admission.Refused;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.QueuedJob;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.VisibleText;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Trigger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Decides about firings: asks the guard, and applies the conflict policy to a refusal. Never throws. */
final class Gate {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");
    private static final Object DECISION = new Object();

    private final JobGuard guard;
    private final JobSettings settings;
    private final RetryTriggers retries;

    Gate(JobGuard guard, JobSettings settings, RetryTriggers retries) {
        this.guard = guard;
        this.settings = settings;
        this.retries = retries;
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
    QueuedJob queued(JobDetail job, Trigger trigger) {
        return settings.queued(guard, job, trigger);
    }

    boolean guards(JobExecutionContext context) {
        try {
            return settings.plan(guard, context).isPresent();
        } catch (IllegalArgumentException wrong) {
            return true;
        }
    }

    Decision decide(JobExecutionContext context, boolean mayWait) {
        Optional<FiringPlan> plan;
        try {
            plan = settings.plan(guard, context);
        } catch (RuntimeException wrong) {
            return wrongSettings(context, wrong);
        }
        if (plan.isEmpty()) {
            return new Decision.Unguarded();
        }
        try {
            Admission admission = guard.admit(plan.get().request(mayWait));
            return admission instanceof Admitted admitted
                    ? new Decision.Run(admitted.run(), plan.get().queued())
                    : refused(context, plan.get(), (Refused) admission, mayWait);
        } catch (IllegalArgumentException wrong) {
            return wrongSettings(context, wrong);
        } catch (InterruptedException e) {
            // The flag stays cleared: Quartz needs this thread to tell its job store what became of the firing.
            return refused(context, plan.get(), unknown("the thread was interrupted while it asked", e), true);
        } catch (RuntimeException | Error e) {
            LOG.error("job {} is not run: the guard failed", plan.get().job(), e);
            return refused(context, plan.get(), unknown("the guard failed: " + e, e), true);
        }
    }

    /** Tries a firing again that came by unguarded because somebody has replaced the job factory. */
    void retryUnguarded(JobExecutionContext context) {
        settings.plan(guard, context)
                .ifPresent(plan -> retries.schedule(
                        context, plan, unavailable("the job factory was replaced, so the job was not guarded", null)));
    }

    private static Decision wrongSettings(JobExecutionContext context, RuntimeException wrong) {
        String reason = VisibleText.of("job " + context.getJobDetail().getKey()
                + " is not run, because its guard is set up wrongly: " + wrong.getMessage());
        if (wrong instanceof IllegalArgumentException) {
            // Its message says it all, and as part of a stack trace could break the line.
            LOG.error("{}", reason);
        } else {
            LOG.error("{}", reason, wrong);
        }
        return new Decision.Fail(reason, wrong);
    }

    private static Refusal unavailable(String reason, @Nullable Throwable cause) {
        return new Refusal(Verdict.UNAVAILABLE, null, Duration.ZERO, reason, cause);
    }

    private static Refused unknown(String reason, @Nullable Throwable cause) {
        return new Refused(unavailable(reason, cause), OnConflict.AUTO);
    }

    private Decision refused(JobExecutionContext context, FiringPlan plan, Refused refused, boolean hasWaited) {
        Refusal refusal = refused.refusal();
        String reason = "job " + plan.job() + " [" + plan.identity() + "] is not run, " + refusal;
        return switch (answer(plan, refused, hasWaited)) {
            case SKIP, AUTO -> {
                ended(plan);
                yield new Decision.Skip(reason);
            }
            case RESCHEDULE -> {
                if (plan.queued() != null) {
                    plan.queued().retried();
                }
                yield new Decision.Skip(reason + "; it " + retries.schedule(context, plan, refusal));
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

    private static OnConflict answer(FiringPlan plan, Refused refused, boolean hasWaited) {
        OnConflict policy = plan.onConflict();
        return switch (refused.refusal().verdict()) {
            case DONE, QUEUED -> OnConflict.SKIP;
            case ABANDONED -> policy == OnConflict.FAIL ? OnConflict.FAIL : OnConflict.SKIP;
            // The same firing is at work elsewhere: no conflict, but it may die before it is done.
            case RUNNING -> plan.mustNotBeLeft() ? OnConflict.RESCHEDULE : OnConflict.SKIP;
            case OVERLAP, THROTTLED ->
                policy == OnConflict.WAIT ? (hasWaited ? inVain(plan) : policy) : plan.resolved(refused.policy());
            case PAUSED, UNAVAILABLE -> {
                if (policy == OnConflict.WAIT && !hasWaited) {
                    yield OnConflict.WAIT;
                }
                yield policy == OnConflict.FAIL ? OnConflict.FAIL : inVain(plan);
            }
        };
    }

    private static OnConflict inVain(FiringPlan plan) {
        boolean again = plan.oneShot() || plan.onConflict() == OnConflict.RESCHEDULE;
        return again ? OnConflict.RESCHEDULE : OnConflict.SKIP;
    }
}

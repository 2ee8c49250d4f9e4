package io.hapax.quartz;

import io.hapax.GuardedRun;
import io.hapax.LeaseLostException;
import io.hapax.OnLeaseLost;
import io.hapax.QueuedJob;
import io.hapax.WorkTransaction;
import io.hapax.event.RunOutcome;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.quartz.InterruptableJob;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.UnableToInterruptJobException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A job that works only under a lease. */
class GuardedJob implements Job {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");
    private static final Object ENTERED = new Object();

    private final Job job;
    private final Gate gate;
    private final Kept kept;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile boolean working;

    // Guarded by lock.
    private @Nullable Thread waiter;

    GuardedJob(Job job, Gate gate, Kept kept) {
        this.job = job;
        this.gate = gate;
        this.kept = kept;
    }

    Job unwrapped() {
        return job;
    }

    /** What was kept with the trigger of this firing. */
    Kept kept() {
        return kept;
    }

    @Override
    public void execute(JobExecutionContext context) throws JobExecutionException {
        if (context.get(ENTERED) != null) {
            // Wrapped twice, because another wrapper sits between the two.
            job.execute(context);
            return;
        }
        Decision decision = Gate.take(context);
        if (decision == null || decision instanceof Decision.Wait) {
            decision = waitForDecision(context);
        }
        if (decision instanceof Decision.Run admitted && !execute(admitted, context)) {
            decision = waitForDecision(context);
            if (decision instanceof Decision.Run again && !execute(again, context)) {
                if (again.queued() != null) {
                    again.queued().ended();
                }
                throw new JobExecutionException(
                        "the lease of " + again.run() + " expired twice before the job started; was this JVM paused?",
                        false);
            }
        }
        finish(decision, context);
    }

    private Decision waitForDecision(JobExecutionContext context) {
        clearInterrupt(context);
        setWaiter(Thread.currentThread());
        try {
            return gate.decide(context, true);
        } finally {
            setWaiter(null);
            clearInterrupt(context);
        }
    }

    private void setWaiter(@Nullable Thread thread) {
        lock.lock();
        try {
            waiter = thread;
        } finally {
            lock.unlock();
        }
    }

    /** Stops waiting for the key; returns false if the job is not waiting. */
    boolean stopWaiting() {
        lock.lock();
        try {
            if (waiter == null) {
                return false;
            }
            waiter.interrupt();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void finish(Decision decision, JobExecutionContext context) throws JobExecutionException {
        if (decision instanceof Decision.Unguarded) {
            job.execute(context);
        } else if (decision instanceof Decision.Skip skip) {
            throw new JobExecutionException(skip.reason(), false);
        } else if (decision instanceof Decision.Fail fail) {
            throw new JobExecutionException(fail.reason(), fail.cause(), false);
        }
    }

    /** Executes the job under a lease; returns false if the lease lapsed before the job started. */
    private boolean execute(Decision.Run admitted, JobExecutionContext context) throws JobExecutionException {
        GuardedRun run = admitted.run();
        OnLeaseLost tell = run.options().onLeaseLost();
        GuardedRun.Scope scope;
        try {
            scope = run.enter(job instanceof InterruptableJob ? OnLeaseLost.SIGNAL : tell);
        } catch (LeaseLostException lapsed) {
            run.close();
            return false;
        }
        try (run;
                scope) {
            working = true;
            if (job instanceof InterruptableJob interruptable && tell == OnLeaseLost.INTERRUPT) {
                run.onLeaseLost(loss -> interrupt(interruptable, context));
            }
            context.put(ENTERED, run);
            new WorkTransaction(run).around(context.getJobDetail().getJobClass().getName(), "execute");
            queued(admitted.queued(), QueuedJob::begun);
            work(run, context);
            queued(admitted.queued(), QueuedJob::succeeded);
        } catch (JobExecutionException e) {
            queued(admitted.queued(), e.refireImmediately() ? QueuedJob::retried : QueuedJob::ended);
            throw e;
        } catch (Throwable e) {
            queued(admitted.queued(), QueuedJob::ended);
            throw e;
        } finally {
            context.put(ENTERED, null);
            working = false;
            clearInterrupt(context);
        }
        return true;
    }

    private static void queued(@Nullable QueuedJob job, Consumer<QueuedJob> what) {
        if (job != null) {
            what.accept(job);
        }
    }

    private void work(GuardedRun run, JobExecutionContext context) throws JobExecutionException {
        try {
            job.execute(context);
        } catch (JobExecutionException e) {
            if (e.refireImmediately()) {
                // The same occurrence comes again in a moment.
                run.failForNow(e);
            } else {
                run.fail(e);
            }
            throw e;
        } catch (Throwable e) {
            // Also what is thrown sneakily.
            run.fail(e);
            LeaseLostException loss = loss(run);
            if (loss == null) {
                throw e;
            }
            loss.addSuppressed(e);
            throw lost(run, loss);
        } finally {
            working = false;
        }
        RunOutcome outcome = run.complete();
        if (outcome == RunOutcome.LOST) {
            throw lost(run, loss(run));
        }
        if (outcome == RunOutcome.FAILED) {
            throw new JobExecutionException(
                    run + " completed in a transaction that did not commit, so it has not completed", false);
        }
    }

    private static JobExecutionException lost(GuardedRun run, @Nullable LeaseLostException loss) {
        return new JobExecutionException(run + " lost its lease while it was running", loss, false);
    }

    private static @Nullable LeaseLostException loss(GuardedRun run) {
        if (run.lost().isEmpty()) {
            return null;
        }
        try {
            run.ensureHeld();
            return null;
        } catch (LeaseLostException loss) {
            return loss;
        }
    }

    private void interrupt(InterruptableJob interruptable, JobExecutionContext context) {
        if (!working) {
            return;
        }
        try {
            interruptable.interrupt();
        } catch (UnableToInterruptJobException | RuntimeException e) {
            LOG.warn(
                    "job {} has lost its lease and could not be interrupted",
                    JobSettings.name(context.getJobDetail()),
                    e);
        }
    }

    /** A flag that the job left behind would make Quartz's thread pool drop the next job of this thread. */
    static void clearInterrupt(JobExecutionContext context) {
        if (Thread.interrupted()) {
            LOG.debug("the thread of job {} was left interrupted", JobSettings.name(context.getJobDetail()));
        }
    }
}

package io.hapax.quartz;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.listeners.JobListenerSupport;

/** What a scheduler tells its job listeners. */
final class Outcomes extends JobListenerSupport {

    record Executed(String trigger, Optional<JobExecutionException> failure) {}

    private final List<Executed> executed = new CopyOnWriteArrayList<>();
    private final List<String> vetoed = new CopyOnWriteArrayList<>();

    static Outcomes of(Scheduler scheduler) throws SchedulerException {
        Outcomes outcomes = new Outcomes();
        scheduler.getListenerManager().addJobListener(outcomes);
        return outcomes;
    }

    List<Executed> executed() {
        return executed;
    }

    List<String> vetoed() {
        return vetoed;
    }

    @Override
    public String getName() {
        return "outcomes";
    }

    @Override
    public void jobExecutionVetoed(JobExecutionContext context) {
        vetoed.add(context.getTrigger().getKey().getName());
    }

    @Override
    public void jobWasExecuted(JobExecutionContext context, @Nullable JobExecutionException failure) {
        executed.add(new Executed(context.getTrigger().getKey().getName(), Optional.ofNullable(failure)));
    }
}

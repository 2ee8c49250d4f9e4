package io.hapax.examples.quarkus;

import io.hapax.Guarded;
import io.hapax.LockMode;
import jakarta.enterprise.context.Dependent;
import org.quartz.Job;
import org.quartz.JobExecutionContext;

/** A job of Quartz that is a bean of CDI: the plugin guards it, and the interceptor leaves it alone. */
@Dependent
@Guarded(key = "stock", mode = LockMode.WHILE_EXECUTING)
public class Stocktaking implements Job {

    private final Journal journal;

    Stocktaking(Journal journal) {
        this.journal = journal;
    }

    @Override
    public void execute(JobExecutionContext firing) {
        journal.did("stock of " + firing.getScheduledFireTime().toInstant().toEpochMilli());
    }
}

package io.hapax.benchmarks.faults.work;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;

/** Quartz forgets a firing whose job fails unless it is asked to fire it again, as one does with jobs that must not be lost. */
final class Refiring {

    private static final int TIMES = 40;
    private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(250);

    private Refiring() {}

    static JobExecutionException of(Exception failure, JobExecutionContext context) {
        LockSupport.parkNanos(PAUSE);
        return new JobExecutionException(failure, context.getRefireCount() < TIMES);
    }
}

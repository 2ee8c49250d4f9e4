package io.hapax.quartz;

import org.quartz.JobExecutionContext;
import org.quartz.listeners.JobListenerSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives the lease of a firing back that another trigger listener has vetoed. */
final class VetoListener extends JobListenerSupport {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");

    @Override
    public String getName() {
        return HapaxPlugin.NAME;
    }

    @Override
    public void jobExecutionVetoed(JobExecutionContext context) {
        try {
            if (Gate.take(context) instanceof Decision.Run claimed) {
                claimed.run().close();
            }
        } catch (Throwable e) {
            LOG.error(
                    "the lease of job {} could not be given back and lapses by itself",
                    JobSettings.name(context.getJobDetail()),
                    e);
        }
    }
}

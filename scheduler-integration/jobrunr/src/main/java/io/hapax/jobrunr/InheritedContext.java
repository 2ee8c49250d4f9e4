package io.hapax.jobrunr;

import java.util.List;
import java.util.Map;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.mappers.MDCMapper;
import org.slf4j.MDC;

/**
 * Keeps a job from inheriting what log lines say of the run that has enqueued it: JobRunr copies the whole logging context into a
 * job's metadata, and back where it runs.
 */
final class InheritedContext {

    /** Starts the names under which log lines tell of a run. */
    private static final String OURS = "hapax.";

    private static final String COPIED = MDCMapper.JOBRUNR_MDC_KEY + "-" + OURS;

    private InheritedContext() {}

    /** Also of a job that was stored past {@link UniqueStorage}; on the thread that is about to run it, outside of any run. */
    static void forget(Job job) {
        forgetCopies(job);
        Map<String, String> context = MDC.getCopyOfContextMap();
        if (context != null) {
            List.copyOf(context.keySet()).stream()
                    .filter(name -> name.startsWith(OURS))
                    .forEach(MDC::remove);
        }
    }

    /** Of a job that is about to be stored. */
    static void forgetCopies(Job job) {
        job.getMetadata().keySet().removeIf(name -> name.startsWith(COPIED));
    }
}

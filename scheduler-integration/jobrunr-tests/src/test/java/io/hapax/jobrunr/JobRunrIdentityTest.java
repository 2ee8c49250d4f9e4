package io.hapax.jobrunr;

import io.hapax.testkit.IdentityContract;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.jobs.states.ScheduledState;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;

/** Recurring jobs, which each server reads from the storage. */
class JobRunrIdentityTest extends IdentityContract {

    private static final JobMapper STORAGE = new JobMapper(new JacksonJsonMapper());
    private static final Instant FIRST = Instant.parse("2026-03-29T00:30:00Z");

    @Override
    protected String runKey(String job, int occurrence, int replica) {
        Instant planned = FIRST.plus(Duration.ofHours(occurrence));
        Job created =
                new Job(new JobDetails(Work.class.getName(), null, "noting", List.of()), new ScheduledState(planned));
        created.setRecurringJobId(job);
        for (int attempt = 0; attempt < replica; attempt++) {
            created.enqueue();
            created.scheduleAt(planned.plus(Duration.ofMinutes(7)), "tried again");
        }
        return Occurrence.runKey(STORAGE.deserializeJob(STORAGE.serializeJob(created)));
    }
}

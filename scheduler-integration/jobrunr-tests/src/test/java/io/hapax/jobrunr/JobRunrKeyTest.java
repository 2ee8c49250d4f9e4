package io.hapax.jobrunr;

import io.hapax.policy.KeyTemplate;
import io.hapax.testkit.KeyContract;
import java.util.Arrays;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.JobParameter;

class JobRunrKeyTest extends KeyContract {

    @Override
    protected String key(String template, Object... values) {
        String text = template;
        for (int n = 0; n < values.length; n++) {
            text = text.replace("{" + n + "}", "%" + n);
        }
        Job job = new Job(new JobDetails(
                "com.acme.Service",
                null,
                "send",
                Arrays.stream(values).map(JobParameter::new).toList()));
        return KeyTemplate.parse(text, JobValues.SYNTAX).fill(new JobValues(job));
    }

    @Override
    protected String foreignPlaceholder() {
        return "#{#id}";
    }

    @Override
    protected String wayOut() {
        return "Use %0 for an argument";
    }
}

package io.hapax.jobrunr;

import io.hapax.policy.KeySyntax;
import io.hapax.policy.KeyTemplate.Kind;
import io.hapax.policy.KeyValues;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.mappers.MDCMapper;
import org.jobrunr.scheduling.exceptions.JobNotFoundException;
import org.jobrunr.utils.JobUtils;
import org.jspecify.annotations.Nullable;

/** The values that a JobRunr job's keys can have: its arguments, and the logging context of the code that enqueued it. */
record JobValues(Job job) implements KeyValues {

    static final KeySyntax SYNTAX = new KeySyntax(
            "a JobRunr job", Set.of(Kind.ARGUMENT, Kind.NAME, Kind.MDC), "%0 for an argument, or %0.property");

    @Override
    public List<@Nullable Object> arguments() {
        return Arrays.asList(job.getJobDetails().getJobParameterValues());
    }

    @Override
    public @Nullable Object named(String name) {
        int position = names().indexOf(name);
        return position < 0 ? null : arguments().get(position);
    }

    /** Without names in the class file (javac -parameters) there are none but the position of each. */
    @Override
    public List<String> names() {
        try {
            Method method = JobUtils.getJobMethod(job.getJobDetails());
            return Arrays.stream(method.getParameters()).map(Parameter::getName).toList();
        } catch (JobNotFoundException notHere) {
            return List.of();
        }
    }

    @Override
    public @Nullable String mdc(String name) {
        Object stored = job.getMetadata().get(MDCMapper.JOBRUNR_MDC_KEY + "-" + name);
        return stored == null ? KeyValues.super.mdc(name) : stored.toString();
    }
}

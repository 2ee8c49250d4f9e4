package io.hapax.quartz;

import io.hapax.policy.KeySyntax;
import io.hapax.policy.KeyTemplate.Kind;
import io.hapax.policy.KeyValues;
import java.util.Collection;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.quartz.JobDataMap;

/** The values that a Quartz job's keys can have: the entries of its data. */
record JobDataValues(JobDataMap data) implements KeyValues {

    static final KeySyntax SYNTAX = new KeySyntax(
            "a Quartz job", Set.of(Kind.NAME, Kind.MDC), "%{name} for an entry of the job data, or %{name}.property");

    @Override
    public @Nullable Object named(String name) {
        return data.get(name);
    }

    @Override
    public Collection<String> names() {
        return Set.of(data.getKeys());
    }
}

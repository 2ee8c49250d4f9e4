package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.PolicyContract;
import io.hapax.time.Ticker;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.List;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;

class JobRunrPolicyTest extends PolicyContract {

    /** An annotation that has the guard's. */
    @Retention(RetentionPolicy.RUNTIME)
    @Guarded(key = METHOD_KEY, ttl = METHOD_TTL)
    @interface Composed {}

    /** Jobs that state their settings themselves. */
    public static class Methods {
        @Guarded(key = METHOD_KEY)
        public void keyOnly() {}

        @Guarded(key = METHOD_KEY, ttl = METHOD_TTL)
        public void stated() {}

        @Composed
        public void composed() {}

        @Guarded(key = METHOD_KEY, ttl = "soon")
        public void wrong() {}
    }

    /** Jobs whose class states the settings. */
    @Guarded(key = TYPE_KEY, ttl = TYPE_TTL)
    public static class OfClass {
        /** States nothing. */
        public void plain() {}

        /** States one of them. */
        @Guarded(ttl = METHOD_TTL)
        public void nearer() {}
    }

    /** Jobs whose superclass states them. */
    public static class OfSuperclass extends OfClass {
        @Override
        public void plain() {}
    }

    /** States them for all who implement it. */
    @Guarded(key = TYPE_KEY, ttl = TYPE_TTL)
    public interface Stating {
        /** States nothing itself. */
        void plain();
    }

    /** Jobs whose interface states them. */
    public static class OfInterface implements Stating {
        @Override
        public void plain() {}
    }

    /** Jobs that override those which state them. */
    public static class Overriding extends Methods {
        @Override
        public void stated() {}
    }

    private static Found plan(Class<?> type, String method) {
        try (JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .defaults(defaults -> defaults.withTtl(DEFAULT_TTL))
                .build()) {
            RunPlan plan = RunPlan.of(new Job(new JobDetails(type.getName(), null, method, List.of())), guard);
            return new Found(
                    plan.identity().lock().orElseThrow().value(), plan.options().ttl());
        }
    }

    @Override
    protected Found found(Stated where) {
        return switch (where) {
            case KEY_ONLY -> plan(Methods.class, "keyOnly");
            case ON_METHOD -> plan(Methods.class, "stated");
            case BY_COMPOSED_ANNOTATION -> plan(Methods.class, "composed");
            case ON_CLASS -> plan(OfClass.class, "plain");
            case ON_SUPERCLASS -> plan(OfSuperclass.class, "plain");
            case ON_INTERFACE -> plan(OfInterface.class, "plain");
            case ON_OVERRIDDEN_METHOD -> plan(Overriding.class, "stated");
            case ON_METHOD_AND_CLASS -> plan(OfClass.class, "nearer");
            case IN_ENTRIES_AND_ON_METHOD -> throw new IllegalArgumentException("a job has no entries");
        };
    }

    @Override
    protected String refusalOfWrongTtl() {
        try {
            plan(Methods.class, "wrong");
            return "";
        } catch (IllegalArgumentException refused) {
            return String.valueOf(refused.getMessage());
        }
    }
}

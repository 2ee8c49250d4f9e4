package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.policy.JobPolicy;
import io.hapax.policy.KeyTemplate;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.util.ArrayList;
import java.util.List;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.JobParameter;
import org.junit.jupiter.api.Test;

class PolicyOnceTest {

    /** What a job is enqueued by. */
    public interface Orders {
        /** @param order which one */
        @Guarded(key = "order/%0")
        void process(int order);
    }

    /** What processes it. */
    public static final class OrderService implements Orders {
        @Override
        public void process(int order) {}
    }

    private static Job job(Class<?> type, int order) {
        return new Job(new JobDetails(type.getName(), null, "process", List.of(new JobParameter(int.class, order))));
    }

    @Test
    void what_annotations_say_is_read_once_for_each_method() {
        List<String> read = new ArrayList<>();
        try (JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .environment(text -> {
                    read.add(text);
                    return text;
                })
                .build()) {
            JobPolicy<KeyTemplate> first =
                    JobPolicies.of(guard).of(job(OrderService.class, 1).getJobDetails(), null);
            assertThat(JobPolicies.of(guard).of(job(OrderService.class, 2).getJobDetails(), null))
                    .isSameAs(first);
            assertThat(RunPlan.of(job(OrderService.class, 3), guard)
                            .identity()
                            .lock()
                            .orElseThrow()
                            .value())
                    .isEqualTo("order/3");
            assertThat(read).containsExactly("order/%0");
        }
    }

    @Test
    void a_job_that_is_enqueued_by_an_interface_has_the_key_of_the_interface() {
        try (JobGuard guard =
                JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM)).build()) {
            assertThat(RunPlan.of(job(Orders.class, 3), guard)
                            .identity()
                            .lock()
                            .orElseThrow()
                            .value())
                    .isEqualTo("order/3");
        }
    }
}

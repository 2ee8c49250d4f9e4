package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.RunKey;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * What every adapter's name of an occurrence has to be: one for all replicas and attempts, and no other occurrence's. An adapter
 * passes if a subclass of this one passes.
 */
public abstract class IdentityContract {

    private static final int REPLICAS = 3;
    private static final int OCCURRENCES = 4;

    /** Names that users may choose, some of which look like a part of a name of ours. */
    private static final List<String> JOBS = List.of(
            "nightly",
            "Nightly",
            "nightly ",
            "nightly#0",
            "nightly#1",
            "nightly@2026-03-29T01:00:00Z",
            "nightly/1",
            "nightly:1",
            "job:nightly",
            "once",
            "n\u00e4chtlich",
            "\u591c\u9593",
            "%0",
            "${nightly}",
            "x".repeat(150),
            "x".repeat(149) + "y");

    /** For subclasses. */
    protected IdentityContract() {}

    /**
     * Names an occurrence as one of the replicas does.
     *
     * @param job the job's name, which its user has chosen
     * @param occurrence which of its occurrences, from 0
     * @param replica from 0, which comes later or at a later attempt the higher it is
     * @return the run key
     * @throws Exception as the adapter throws
     */
    protected abstract String runKey(String job, int occurrence, int replica) throws Exception;

    @Test
    void all_replicas_and_attempts_name_an_occurrence_alike() throws Exception {
        for (String job : JOBS) {
            for (int occurrence = 0; occurrence < OCCURRENCES; occurrence++) {
                String first = runKey(job, occurrence, 0);
                for (int replica = 1; replica < REPLICAS; replica++) {
                    assertThat(runKey(job, occurrence, replica)).isEqualTo(first);
                }
            }
        }
    }

    @Test
    void no_two_occurrences_of_any_jobs_have_one_name() throws Exception {
        Map<String, String> known = new HashMap<>();
        for (String job : JOBS) {
            for (int occurrence = 0; occurrence < OCCURRENCES; occurrence++) {
                String what = job + ", occurrence " + occurrence;
                assertThat(known.put(runKey(job, occurrence, 0), what)).as(what).isNull();
            }
        }
    }

    @Test
    void each_name_can_be_kept() throws Exception {
        for (String job : JOBS) {
            String key = runKey(job, 0, 0);
            assertThat(new RunKey(key).value()).isEqualTo(key);
        }
    }
}

package io.hapax.benchmarks.adapters;

import io.hapax.JobGuard;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.WallClock;

/** What is there in a guarded process only. */
final class Guarding {

    private Guarding() {}

    static JobGuard guard(String redis) {
        return JobGuard.builder(RedissonLeaseStore.builder()
                        .namespace("benchmark")
                        .url(redis)
                        .firstStart(WallClock.now())
                        .build())
                .closesStore()
                .build();
    }

    static void installInJobRunr(JobGuard guard) {
        JobRunrGuard.install(guard);
    }
}

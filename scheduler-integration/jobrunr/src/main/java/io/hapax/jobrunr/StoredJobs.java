package io.hapax.jobrunr;

import io.hapax.JobQueue;
import io.hapax.lease.OwnerId;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.JobNotFoundException;
import org.jobrunr.storage.StorageProvider;

/**
 * The jobs of a storage, by the ids that places have: a job's own and its creation, since an id may be used again. A storage in
 * memory knows the jobs of its own process only, so that is named, too. Thread-safe.
 */
record StoredJobs(StorageProvider storage) implements JobQueue {

    private static final String THIS_PROCESS = "@" + OwnerId.random();

    /** The id of a job's place. */
    String idOf(Job job) {
        return job.getId() + "@" + created(job) + process();
    }

    /** As exactly as every way to write jobs as text keeps it: an id may be asked for again within a millisecond. */
    private static Instant created(Job job) {
        return job.getJobState(0).getCreatedAt().truncatedTo(ChronoUnit.MICROS);
    }

    private String process() {
        boolean inMemory = InMemoryStorageProvider.class.isAssignableFrom(
                storage.getStorageProviderInfo().getImplementationClass());
        return inMemory ? THIS_PROCESS : "";
    }

    @Override
    public Fate fateOf(String id) {
        String process = process();
        String[] parts = id.split("@", -1);
        if (!id.endsWith(process) || parts.length != (process.isEmpty() ? 2 : 3)) {
            return Fate.UNKNOWN;
        }
        UUID uuid;
        Instant created;
        try {
            uuid = UUID.fromString(parts[0]);
            created = Instant.parse(parts[1]);
        } catch (IllegalArgumentException | DateTimeParseException notOurs) {
            return Fate.UNKNOWN;
        }
        try {
            Job job = storage.getJobById(uuid);
            return created(job).equals(created) ? fateIn(job.getState()) : Fate.MISSING;
        } catch (JobNotFoundException gone) {
            return Fate.MISSING;
        }
    }

    private static Fate fateIn(StateName state) {
        return switch (state) {
            case SUCCEEDED -> Fate.SUCCEEDED;
            case FAILED, DELETED -> Fate.ENDED;
            default -> Fate.PRESENT;
        };
    }
}

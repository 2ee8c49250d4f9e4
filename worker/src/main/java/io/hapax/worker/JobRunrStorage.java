package io.hapax.worker;

import java.time.Duration;
import javax.sql.DataSource;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.ThreadSafeStorageProvider;
import org.jobrunr.storage.sql.common.SqlStorageProviderFactory;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;

/** JobRunr's tables in PostgreSQL; the demo polls more often than JobRunr advises for databases. */
final class JobRunrStorage extends ThreadSafeStorageProvider {

    private JobRunrStorage(StorageProvider storage) {
        super(storage);
    }

    static StorageProvider on(DataSource database) {
        StorageProvider storage = new JobRunrStorage(SqlStorageProviderFactory.using(database));
        storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
        return storage;
    }

    @Override
    public void validatePollInterval(Duration interval) {
        if (interval.compareTo(Duration.ofMillis(500)) < 0) {
            throw new IllegalArgumentException("--jobrunr-poll must be at least 500ms, was " + interval);
        }
    }
}

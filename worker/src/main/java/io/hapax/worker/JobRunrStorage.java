package io.hapax.worker;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.StorageProviderUtils.DatabaseOptions;
import org.jobrunr.storage.ThreadSafeStorageProvider;
import org.jobrunr.storage.sql.common.SqlStorageProviderFactory;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;

/** JobRunr's tables in PostgreSQL, or its jobs in memory; the demo polls more often than JobRunr advises for databases. */
final class JobRunrStorage extends ThreadSafeStorageProvider {

    private JobRunrStorage(StorageProvider storage) {
        super(storage);
    }

    /** JobRunr uses the tables of any schema unless the schema is set. */
    static StorageProvider on(DataSource database) {
        return withMapper(SqlStorageProviderFactory.using(database, schema(database) + ".", DatabaseOptions.CREATE));
    }

    /** Jobs that this process alone knows, and forgets when it ends. */
    static StorageProvider inMemory() {
        return withMapper(new InMemoryStorageProvider());
    }

    private static StorageProvider withMapper(StorageProvider storage) {
        StorageProvider jobs = new JobRunrStorage(storage);
        jobs.setJobMapper(new JobMapper(new JacksonJsonMapper()));
        return jobs;
    }

    private static String schema(DataSource database) {
        try (Connection connection = database.getConnection()) {
            String schema = connection.getSchema();
            if (schema == null) {
                throw new IllegalStateException("the database has none of the schemas of its search_path: create one");
            }
            return schema;
        } catch (SQLException e) {
            throw new IllegalStateException("the database does not tell its schema: " + e.getMessage(), e);
        }
    }

    @Override
    public void validatePollInterval(Duration interval) {
        if (interval.compareTo(Duration.ofMillis(500)) < 0) {
            throw new IllegalArgumentException("--jobrunr-poll must be at least 500ms, was " + interval);
        }
    }
}

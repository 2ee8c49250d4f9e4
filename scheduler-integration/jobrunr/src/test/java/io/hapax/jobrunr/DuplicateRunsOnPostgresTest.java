package io.hapax.jobrunr;

/** The same on SQL storage, where a job is fetched and changed by versioned updates. */
class DuplicateRunsOnPostgresTest extends DuplicateRunsTest {

    @Override
    Fleet fleet() {
        return Fleet.onPostgres();
    }
}

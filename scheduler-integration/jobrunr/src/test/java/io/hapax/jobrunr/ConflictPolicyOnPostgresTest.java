package io.hapax.jobrunr;

/** The same on SQL storage, where a job is fetched and changed by versioned updates. */
class ConflictPolicyOnPostgresTest extends ConflictPolicyTest {

    @Override
    Fleet fleet() {
        return Fleet.onPostgres();
    }
}

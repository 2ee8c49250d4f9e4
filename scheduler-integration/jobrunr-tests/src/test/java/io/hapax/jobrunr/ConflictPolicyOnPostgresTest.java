package io.hapax.jobrunr;

import org.junit.jupiter.api.Tag;

/** The same on SQL storage, where a job is fetched and changed by versioned updates. */
@Tag("slow")
class ConflictPolicyOnPostgresTest extends ConflictPolicyTest {

    @Override
    Fleet fleet() {
        return Fleet.onPostgres();
    }
}

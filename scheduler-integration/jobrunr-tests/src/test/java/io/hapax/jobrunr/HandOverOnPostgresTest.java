package io.hapax.jobrunr;

import org.junit.jupiter.api.Tag;

@Tag("slow")
class HandOverOnPostgresTest extends HandOverTest {

    @Override
    Fleet fleet() {
        return Fleet.onPostgres();
    }
}

package io.hapax.cli;

import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.util.UUID;

/** Databases with nothing in them, of the server that tests share. */
final class EmptyDatabase {

    private EmptyDatabase() {}

    /** Its address, with the credentials. */
    static String create() {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase("cli_" + UUID.randomUUID().toString().substring(0, 8));
        return database.jdbcUrl() + "?user=" + database.user() + "&password=" + database.password();
    }
}

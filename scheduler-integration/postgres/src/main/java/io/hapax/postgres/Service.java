package io.hapax.postgres;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ledger.LedgerException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What this module keeps in a database: how each is called in messages, where its tables come from, and how it fails. */
enum Service {
    LEDGER("ledger", "claims", "run can be claimed", "hapax-ledger-1.sql", "hapax_schema", "PostgresRunLedger") {
        @Override
        RuntimeException failure(Finding finding, @Nullable Throwable cause) {
            return cause == null ? new LedgerException(finding) : new LedgerException(finding, cause);
        }

        @Override
        Optional<Finding> findingOf(Throwable failure) {
            return failure instanceof LedgerException own ? Optional.of(own.finding()) : Optional.empty();
        }
    },
    LEASES(
            "lease store",
            "leases",
            "lease can be granted",
            "hapax-leases-1.sql",
            "hapax_lease_schema",
            "PostgresLeaseStore") {
        @Override
        RuntimeException failure(Finding finding, @Nullable Throwable cause) {
            return cause == null ? new LeaseStoreException(finding) : new LeaseStoreException(finding, cause);
        }

        @Override
        Optional<Finding> findingOf(Throwable failure) {
            return failure instanceof LeaseStoreException own ? Optional.of(own.finding()) : Optional.empty();
        }
    };

    private static final String FOLDER = "io/hapax/postgres/";

    private final String noun;
    private final String renewed;
    private final String granted;
    private final String script;
    private final String versions;
    private final String type;

    Service(String noun, String renewed, String granted, String script, String versions, String type) {
        this.noun = noun;
        this.renewed = renewed;
        this.granted = granted;
        this.script = FOLDER + script;
        this.versions = versions;
        this.type = type;
    }

    /** The exception of its port. */
    abstract RuntimeException failure(Finding finding, @Nullable Throwable cause);

    /** What an exception of its port says; empty if it is another one. */
    abstract Optional<Finding> findingOf(Throwable failure);

    /** Whether this is the exception of its port. */
    boolean isOwn(Throwable failure) {
        return findingOf(failure).isPresent();
    }

    RuntimeException failure(Finding finding) {
        return failure(finding, null);
    }

    RuntimeException failure(String what, @Nullable Throwable cause) {
        return failure(Finding.error(what), cause);
    }

    /** How its builder, or Spring Boot, is configured to create its tables. */
    String migrating() {
        return "migrate(true) (Spring Boot: " + properties() + ".migrate=true)";
    }

    /** How its builder, or Spring Boot, is configured to find its tables. */
    String placing() {
        return "schema(...) (Spring Boot: " + properties() + ".schema)";
    }

    private String properties() {
        return this == LEDGER ? "hapax.ledger" : "hapax.postgres";
    }

    /** The file that creates its tables. */
    String script() {
        return script;
    }

    /** The table that tells their version. */
    String versions() {
        return versions;
    }

    /** What it is, for messages. */
    String noun() {
        return noun;
    }

    /** What of it is renewed, for messages. */
    String renewed() {
        return renewed;
    }

    /** What its server does for runs, for messages. */
    String granted() {
        return granted;
    }

    /** The class that applications build. */
    String type() {
        return type;
    }

    @Override
    public String toString() {
        return "the " + noun;
    }
}

package io.hapax.postgres;

import io.hapax.lease.Finding;
import java.net.UnknownHostException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What an exception of the driver or the pool means, and how to fix it. */
final class DatabaseTrouble {

    static final String SLOW = "Is the database reachable, and are connections free in the pool?";

    private static final String UNIQUE_VIOLATION = "23505";
    private static final String SERIALIZATION_FAILURE = "40001";
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    /** Of features, and of functions. */
    private static final Set<String> UNSUPPORTED = Set.of("0A000", "42883");

    private DatabaseTrouble() {}

    static boolean isSerializationFailure(SQLException e) {
        return SERIALIZATION_FAILURE.equals(e.getSQLState());
    }

    static boolean isLocked(SQLException e) {
        return LOCK_NOT_AVAILABLE.equals(e.getSQLState());
    }

    /** Whether the server lacks what the statement needs: another one, or another version of it, may have it. */
    static boolean isUnsupported(SQLException e) {
        return UNSUPPORTED.contains(state(e));
    }

    /** Whether the database is well and only this statement failed. */
    static boolean concernsStatement(SQLException e) {
        String state = state(e);
        return state.startsWith("22") || state.startsWith("23") || state.startsWith("40") || state.equals("55P03");
    }

    static boolean isUniqueViolation(SQLException e) {
        return UNIQUE_VIOLATION.equals(e.getSQLState());
    }

    private static String state(SQLException e) {
        return e.getSQLState() == null ? "" : e.getSQLState();
    }

    static Finding of(SQLException e) {
        Finding encryption = encryption(e);
        if (encryption != null) {
            return encryption;
        }
        String words = " (" + firstLine(e) + ")";
        if (e instanceof SQLTransientConnectionException) {
            return Finding.error(
                    "no connection was free or could be made" + words,
                    "Make the pool larger than the number of jobs that run at once, and check that the database is up");
        }
        if (e.getCause() instanceof UnknownHostException unknown) {
            return Finding.error(
                    "the host name is not known (" + firstLine(unknown) + ")", "Correct it in the address");
        }
        // Another's statement under the same name asks for other parameters.
        String state = state(e).equals("08P01") && words.contains("prepared statement") ? "26000" : state(e);
        return switch (state) {
            case "42P01", "42883" ->
                Finding.error(
                        "a table or function is missing" + words,
                        "Apply " + service(words).script() + ", or build " + service(words)
                                + " with " + service(words).migrating()
                                + "; if the tables are in another schema, name it with "
                                + service(words).placing());
            case "42501" ->
                Finding.error(
                        "no permission" + words,
                        "Grant the role the rights that docs/security.md and the package documentation of"
                                + " io.hapax.postgres list");
            case "28P01", "28000" ->
                Finding.error("the login was refused" + words, "Correct user and password of the pool");
            case "3D000" -> Finding.error("there is no such database" + words);
            case "25006" ->
                Finding.error(
                        "this server is a read-only standby", "Connect to the primary (targetServerType=primary)");
            case "53300" ->
                Finding.error(
                        "the server has no connections left" + words, "Raise max_connections, or make pools smaller");
            case LOCK_NOT_AVAILABLE ->
                Finding.error(
                        "somebody else keeps it locked" + words,
                        "Find the session that stands still: SELECT pid, pg_blocking_pids(pid), state, query FROM"
                                + " pg_stat_activity, and end it with pg_terminate_backend(pid)");
            case "26000", "42P05" ->
                Finding.error(
                        "the connection's session is shared with others, as behind PgBouncer" + words,
                        "Add prepareThreshold=0 to the address of the pool");
            case "57P01", "57P02", "57P03" -> Finding.error("the server is shutting down or starting up" + words);
            default ->
                state.startsWith("08") || e instanceof SQLNonTransientConnectionException
                        ? Finding.error("the connection failed" + words, "Is PostgreSQL up and reachable?")
                        : Finding.error(firstLine(e) + " (SQLSTATE " + (state.isEmpty() ? "unknown" : state) + ")");
        };
    }

    /** Which one misses something. */
    private static Service service(String words) {
        return words.contains("hapax_lease") || words.contains("hapax_place") ? Service.LEASES : Service.LEDGER;
    }

    /** Trouble with TLS; a pool says what it was in a cause. */
    private static @Nullable Finding encryption(SQLException e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            String what = firstLine(cause);
            if (what.contains("PKIX path")) {
                return Finding.error(
                        "the server's TLS certificate is not trusted (" + what + ")",
                        "Name the authority that signed it in the address: sslmode=verify-full&sslrootcert=FILE");
            }
            if (what.contains("hostnameverifier") || what.contains("could not be verified")) {
                return Finding.error(
                        "the server's TLS certificate is for another host name (" + what + ")",
                        "Use the name in the address that the certificate has");
            }
            if (what.contains("no encryption")) {
                return Finding.error(
                        "the server lets nobody in without TLS (" + what + ")",
                        "Add to the address: sslmode=verify-full&sslrootcert=FILE");
            }
        }
        return null;
    }

    private static String firstLine(Throwable e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("no message");
    }
}

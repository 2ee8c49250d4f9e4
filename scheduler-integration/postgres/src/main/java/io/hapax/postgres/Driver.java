package io.hapax.postgres;

import java.lang.reflect.InvocationTargetException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the PostgreSQL driver says of a connection, where it is that one: this module is compiled without it.
 *
 * @param type its interface
 * @param connection the driver's own
 */
record Driver(Class<?> type, Object connection) {

    private static final String TYPE = "org.postgresql.PGConnection";
    private static final String NOTIFICATION = "org.postgresql.PGNotification";

    static Optional<Driver> of(Connection connection) throws SQLException {
        try {
            Class<?> type = Class.forName(TYPE, false, Driver.class.getClassLoader());
            if (!connection.isWrapperFor(type)) {
                return Optional.empty();
            }
            Object driver = connection.unwrap(type);
            // Not every proxy knows how to take itself off.
            return type.isInstance(driver) ? Optional.of(new Driver(type, driver)) : Optional.empty();
        } catch (ReflectiveOperationException another) {
            return Optional.empty();
        }
    }

    /** Which process of the server it believes to talk to. */
    int process() throws SQLException {
        return (int) call("getBackendPID");
    }

    int prepareThreshold() throws SQLException {
        return (int) call("getPrepareThreshold");
    }

    /** Whether there is no pooler in between, which makes up the process that it tells the driver. */
    boolean isDirect(Connection itself) throws SQLException {
        return process() == process(itself);
    }

    /** Which process of the server answers. */
    static int process(Connection connection) throws SQLException {
        try (Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery("SELECT pg_backend_pid()")) {
            row.next();
            return row.getInt(1);
        }
    }

    /** What the session receives of what it listens to, at once or within a time. */
    List<String> notifications(int millis) throws SQLException {
        try {
            Object heard = type.getMethod("getNotifications", int.class).invoke(connection, millis);
            List<String> all = new ArrayList<>();
            if (heard instanceof Object[] notifications) {
                Class<?> notification = Class.forName(NOTIFICATION, false, type.getClassLoader());
                for (Object each : notifications) {
                    all.add(String.valueOf(
                            notification.getMethod("getParameter").invoke(each)));
                }
            }
            return all;
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof SQLException failed ? failed : unusable(e);
        } catch (ReflectiveOperationException e) {
            throw unusable(e);
        }
    }

    private Object call(String method) throws SQLException {
        try {
            return type.getMethod(method).invoke(connection);
        } catch (ReflectiveOperationException e) {
            throw unusable(e);
        }
    }

    private static SQLException unusable(ReflectiveOperationException e) {
        return new SQLException("this version of the PostgreSQL driver cannot be asked", e);
    }
}

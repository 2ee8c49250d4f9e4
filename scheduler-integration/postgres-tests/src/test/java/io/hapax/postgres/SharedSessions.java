package io.hapax.postgres;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;

/**
 * Hands sessions out as a pooler does that gives each transaction another one: after each transaction it looks whether something was
 * left in the session for whoever has it next. Thread-safe.
 */
final class SharedSessions implements AutoCloseable {

    private static final Set<String> ENDS = Set.of("commit", "rollback");
    private static final String LEFT = "SELECT coalesce(string_agg(what, ', ' ORDER BY what), '') FROM ("
            + "SELECT name || '=' || setting AS what FROM pg_settings WHERE source = 'session'"
            + " UNION ALL SELECT 'prepared ' || name FROM pg_prepared_statements"
            + " UNION ALL SELECT 'lock ' || objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            + " UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE name <> ''"
            + " UNION ALL SELECT 'listens to ' || channel FROM pg_listening_channels() AS channel) AS everything";

    private final DataSource database;
    private final Deque<Connection> idle = new ArrayDeque<>();
    /** With what the driver has left in them when they were opened. */
    private final Map<Connection, String> all = new IdentityHashMap<>();

    private final List<String> left = new CopyOnWriteArrayList<>();

    SharedSessions(DataSource database) {
        this.database = database;
    }

    /** What was found after transactions. */
    List<String> left() {
        return left;
    }

    DataSource source() {
        return (DataSource) Proxy.newProxyInstance(
                DataSource.class.getClassLoader(), new Class<?>[] {DataSource.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("getConnection")) {
                        return shared(session());
                    }
                    return call(database, method, arguments);
                });
    }

    private Connection session() throws SQLException {
        synchronized (idle) {
            if (!idle.isEmpty()) {
                return idle.remove();
            }
            Connection fresh = database.getConnection();
            all.put(fresh, found(fresh));
            return fresh;
        }
    }

    private Connection shared(Connection session) {
        return (Connection) Proxy.newProxyInstance(
                Connection.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                    String name = method.getName();
                    if (name.equals("close")) {
                        giveBack(session);
                        return null;
                    }
                    Object result = call(session, method, arguments);
                    if (ENDS.contains(name)) {
                        look(session);
                    }
                    return result;
                });
    }

    private static Object call(Object real, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private void giveBack(Connection session) throws SQLException {
        if (session.isClosed()) {
            return;
        }
        if (!session.getAutoCommit()) {
            session.rollback();
            session.setAutoCommit(true);
        }
        look(session);
        synchronized (idle) {
            idle.add(session);
        }
    }

    private void look(Connection session) throws SQLException {
        String found = found(session);
        synchronized (idle) {
            if (!found.equals(all.get(session))) {
                left.add(found);
            }
        }
        if (!session.getAutoCommit()) {
            session.rollback();
        }
    }

    private static String found(Connection session) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(LEFT)) {
            row.next();
            return row.getString(1);
        }
    }

    @Override
    public void close() throws SQLException {
        synchronized (idle) {
            for (Connection session : all.keySet()) {
                session.close();
            }
        }
    }
}

package io.hapax.postgres;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** Counts what goes to the database: statements that are executed, commits and rollbacks. */
final class CountingDataSource {

    private final AtomicInteger count = new AtomicInteger();
    private final DataSource source;

    CountingDataSource(DataSource source) {
        this.source = source;
    }

    int count() {
        return count.get();
    }

    DataSource source() {
        return counting(DataSource.class, source);
    }

    private <T> T counting(Class<T> type, Object real) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> wrapped(call(real, method, arguments))));
    }

    private Object call(Object real, Method method, Object[] arguments) throws Throwable {
        String name = method.getName();
        if (name.startsWith("execute") || name.equals("commit") || name.equals("rollback")) {
            count.incrementAndGet();
        }
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private Object wrapped(Object result) {
        if (result instanceof Connection) {
            return counting(Connection.class, result);
        }
        if (result instanceof PreparedStatement) {
            return counting(PreparedStatement.class, result);
        }
        return result instanceof Statement ? counting(Statement.class, result) : result;
    }
}

package io.hapax.postgres;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Sets the parameters of a statement one after the other. */
final class Parameters {

    private final PreparedStatement statement;
    private int index;

    private Parameters(PreparedStatement statement) {
        this.statement = statement;
    }

    static Parameters of(PreparedStatement statement) {
        return new Parameters(statement);
    }

    Parameters text(@Nullable String value) throws SQLException {
        statement.setString(++index, value);
        return this;
    }

    Parameters flag(boolean value) throws SQLException {
        statement.setBoolean(++index, value);
        return this;
    }

    Parameters number(long value) throws SQLException {
        statement.setLong(++index, value);
        return this;
    }

    Parameters whole(int value) throws SQLException {
        statement.setInt(++index, value);
        return this;
    }

    Parameters texts(@Nullable Object[] values) throws SQLException {
        return array("text", Arrays.copyOf(values, values.length, String[].class));
    }

    Parameters flags(@Nullable Object[] values) throws SQLException {
        return array("boolean", Arrays.copyOf(values, values.length, Boolean[].class));
    }

    Parameters numbers(@Nullable Object[] values) throws SQLException {
        return array("bigint", Arrays.copyOf(values, values.length, Long[].class));
    }

    private Parameters array(String type, @Nullable Object[] values) throws SQLException {
        statement.setArray(++index, statement.getConnection().createArrayOf(type, values));
        return this;
    }
}

package io.hapax.postgres;

import io.hapax.lease.FencingToken;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A table of your own that refuses writes of runs that have been taken over, for jobs that cannot end in one transaction
 * with {@code completeIn}. It needs a column {@code fence bigint not null default 0}: the highest fencing token that the
 * row has seen.
 *
 * <pre>{@code
 * ALTER TABLE account ADD COLUMN fence bigint NOT NULL DEFAULT 0;
 *
 * FencedTable accounts = FencedTable.of("account");
 * accounts.raise(connection, id, run.fencingToken());      // before anything is read
 * long balance = readBalance(connection, id);
 * accounts.update(connection, id, run.fencingToken(), "balance = ?", balance - amount);
 * }</pre>
 *
 * <p>Why raise first: without it, a run that was taken over can still write between the read and the first write of its
 * successor. Its token is then the highest that the row has seen, so the write is accepted, and the successor overwrites
 * it with a result computed from the old row. After {@link #raise}, the row refuses the older run, and what the
 * successor reads stays true. See Kleppmann, "How to do distributed locking" (2016).
 *
 * <p>Works in a transaction and in auto-commit mode, at every isolation level; at REPEATABLE READ and SERIALIZABLE a
 * write that another transaction came before may fail with SQLSTATE 40001 instead: roll back and repeat the transaction,
 * which then finds out whether the row is still this run's. The same run may write again and again. A run may still repeat
 * what it has written under the same token: keep its steps recognisable. Immutable.
 */
public final class FencedTable {

    private static final String PART = "([A-Za-z_][A-Za-z0-9_]{0,62}|\"[^\"\\x00]{1,63}\")";
    private static final Pattern COLUMN = Pattern.compile(PART);
    private static final Pattern TABLE = Pattern.compile(PART + "(\\." + PART + ")?");

    private final String table;
    private final String id;
    private final String fence;

    private FencedTable(String table, String id, String fence) {
        this.table = table;
        this.id = id;
        this.fence = fence;
    }

    /**
     * Names a table with the columns {@code id} and {@code fence}.
     *
     * @param table its name, with or without schema, as it is written in SQL
     * @return the table
     * @throws IllegalArgumentException if it is not a name
     */
    public static FencedTable of(String table) {
        return of(table, "id", "fence");
    }

    /**
     * Names a table.
     *
     * @param table its name, with or without schema, as it is written in SQL
     * @param idColumn the column that tells its rows apart; it needs a unique index
     * @param fenceColumn the column with the highest token, {@code bigint not null default 0}
     * @return the table
     * @throws IllegalArgumentException if one of them is not a name
     */
    public static FencedTable of(String table, String idColumn, String fenceColumn) {
        return new FencedTable(name(TABLE, table), name(COLUMN, idColumn), name(COLUMN, fenceColumn));
    }

    private static String name(Pattern allowed, String text) {
        if (!allowed.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' cannot be the name of a fenced table or of a column of it;"
                            + " use letters, digits and '_', for tables also schema.table, and double quotes around other names");
        }
        return text;
    }

    /**
     * Marks a row as this run's. Call it before the row is read. In a transaction the row stays locked until its end;
     * older runs wait, and are refused if it commits.
     *
     * @param connection to the table's database
     * @param row the value of the id column
     * @param token of the run that is going to write
     * @throws StaleWriteException if the row has seen a higher token
     * @throws IllegalArgumentException if there is no such row
     * @throws SQLException if the database refuses for another reason
     */
    public void raise(Connection connection, Object row, FencingToken token) throws SQLException {
        write(connection, row, token, "");
    }

    /**
     * Writes to a row unless a newer run has marked it.
     *
     * @param connection to the table's database
     * @param row the value of the id column
     * @param token of the run that writes
     * @param assignments what comes after SET, such as {@code "balance = ?, changed_at = now()"}: part of the program,
     *     never made from input
     * @param values for the question marks, in their order; null for NULL
     * @throws StaleWriteException if the row has seen a higher token
     * @throws IllegalArgumentException if there is no such row, or nothing is assigned
     * @throws SQLException if the database refuses for another reason
     */
    public void update(
            Connection connection, Object row, FencingToken token, String assignments, @Nullable Object... values)
            throws SQLException {
        if (assignments.isBlank()) {
            throw new IllegalArgumentException(
                    "nothing is assigned; write what comes after SET, such as \"balance = ?\"");
        }
        write(connection, row, token, assignments + ", ", values);
    }

    private void write(
            Connection connection, Object row, FencingToken token, String assignments, @Nullable Object... values)
            throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("UPDATE " + table + " SET " + assignments + fence
                + " = ? WHERE " + id + " = ? AND " + fence + " <= ?")) {
            int index = 0;
            for (Object value : values) {
                update.setObject(++index, value);
            }
            update.setLong(++index, token.value());
            update.setObject(++index, row);
            update.setLong(++index, token.value());
            if (update.executeUpdate() == 0) {
                throw refusal(connection, row, token);
            }
        }
    }

    private RuntimeException refusal(Connection connection, Object row, FencingToken token) throws SQLException {
        try (PreparedStatement query =
                connection.prepareStatement("SELECT " + fence + " FROM " + table + " WHERE " + id + " = ?")) {
            query.setObject(1, row);
            try (ResultSet rows = query.executeQuery()) {
                if (!rows.next()) {
                    return new IllegalArgumentException("there is no row with " + id + " " + row + " in " + table
                            + ", so its fence cannot be checked; insert it first");
                }
                long newest = rows.getLong(1);
                if (rows.wasNull()) {
                    return new IllegalArgumentException("the fence of row " + row + " of " + table + " is NULL; declare"
                            + " the column " + fence + " as bigint NOT NULL DEFAULT 0");
                }
                return new StaleWriteException(table, row, token, newest);
            }
        }
    }
}

package io.hapax.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where connections come from, and where they go after their use. */
interface Connections extends AutoCloseable {

    Logger LOG = LoggerFactory.getLogger("io.hapax.postgres");

    /** Takes one; the caller gives it back. */
    Connection take() throws SQLException;

    /**
     * Takes one back.
     *
     * @param failed whether its use ended with an exception
     */
    void giveBack(Connection connection, boolean failed) throws SQLException;

    /** Closes what belongs to the ledger. */
    @Override
    void close();

    /**
     * Those of a source, one for each use.
     *
     * @param source gives them
     * @param owned whether it is closed in the end, if it can be
     */
    record Pooled(DataSource source, boolean owned) implements Connections {

        @Override
        public Connection take() throws SQLException {
            return source.getConnection();
        }

        @Override
        public void giveBack(Connection connection, boolean failed) throws SQLException {
            connection.close();
        }

        @Override
        public void close() {
            if (owned && source instanceof AutoCloseable pool) {
                closeQuietly(pool);
            }
        }
    }

    static void closeQuietly(AutoCloseable connection) {
        try {
            connection.close();
        } catch (Exception broken) {
            LOG.debug("a connection of the ledger broke before it was closed: {}", broken.toString());
        }
    }
}

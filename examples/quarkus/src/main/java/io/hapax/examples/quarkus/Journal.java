package io.hapax.examples.quarkus;

import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** What the replicas did, in a table that the test sees from outside; and which orders are not packed yet. */
@ApplicationScoped
class Journal {

    private final DataSource source;
    private final String replica;

    Journal(DataSource source, @ConfigProperty(name = "shop.replica") String replica) {
        this.source = source;
        this.replica = replica;
    }

    void did(String what) {
        try (Connection connection = source.getConnection();
                PreparedStatement insert =
                        connection.prepareStatement("INSERT INTO journal (what, replica) VALUES (?, ?)")) {
            insert.setString(1, what);
            insert.setString(2, replica);
            insert.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns early if it is interrupted. */
    void awaitPacked(int order) {
        did("started " + order);
        while (isBeingPacked(order) && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(20_000_000);
        }
    }

    private boolean isBeingPacked(int order) {
        try (Connection connection = source.getConnection();
                PreparedStatement query = connection.prepareStatement("SELECT 1 FROM packing WHERE number = ?")) {
            query.setInt(1, order);
            try (ResultSet found = query.executeQuery()) {
                return found.next();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}

package io.hapax.postgres;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Operators' questions: each question goes alone, and its statements end at the server when their time is over.
 *
 * @param database with a thread of its own, as operators' questions may take long, and must not keep runs waiting
 */
record Questions(Database database) {

    <T> CompletableFuture<T> ask(String what, Database.Call<T> call) {
        return new Batches<String, T>(what, database, same -> same, (connection, one) -> List.of(call.on(connection)))
                .submit(what);
    }

    /** Bounds a statement that may read much; the same one. */
    PreparedStatement bounded(PreparedStatement statement) throws SQLException {
        statement.setQueryTimeout((int) Math.max(1, database.answerTimeout().toSeconds()));
        return statement;
    }
}

package io.hapax.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;

/**
 * Asks by a second connection, while the caller has a first one: what two sessions see of each other.
 *
 * @param database whose thread and time-out are used
 * @param source where the connection comes from
 */
record SecondConnection(Database database, DataSource source) {

    private static final Duration LONGEST = Duration.ofSeconds(5);

    /** The answer; empty if none came in time, for example because the pool has no second connection. */
    <T> Optional<T> ask(Database.Call<T> question) {
        CompletableFuture<Optional<T>> answer = new CompletableFuture<>();
        database.execute(() -> {
            try (Connection second = source.getConnection()) {
                boolean autoCommit = second.getAutoCommit();
                second.setAutoCommit(true);
                try {
                    answer.complete(Optional.of(question.on(second)));
                } finally {
                    second.setAutoCommit(autoCommit);
                }
            } catch (SQLException | RuntimeException none) {
                answer.complete(Optional.empty());
            }
        });
        try {
            Duration timeout = database.answerTimeout().compareTo(LONGEST) < 0 ? database.answerTimeout() : LONGEST;
            return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        } catch (ExecutionException | TimeoutException none) {
            return Optional.empty();
        }
    }
}

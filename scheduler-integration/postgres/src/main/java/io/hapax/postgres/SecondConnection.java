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
                int networkTimeout = second.getNetworkTimeout();
                // A database that freezes now must not hold the thread and a connection of the application's for ever.
                second.setNetworkTimeout(Runnable::run, (int) longest().toMillis());
                boolean autoCommit = second.getAutoCommit();
                second.setAutoCommit(true);
                try {
                    answer.complete(Optional.of(question.on(second)));
                } finally {
                    second.setAutoCommit(autoCommit);
                    second.setNetworkTimeout(Runnable::run, networkTimeout);
                }
            } catch (SQLException | RuntimeException none) {
                answer.complete(Optional.empty());
            }
        });
        try {
            return answer.get(longest().toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        } catch (ExecutionException | TimeoutException none) {
            return Optional.empty();
        }
    }

    private Duration longest() {
        return database.answerTimeout().compareTo(LONGEST) < 0 ? database.answerTimeout() : LONGEST;
    }
}

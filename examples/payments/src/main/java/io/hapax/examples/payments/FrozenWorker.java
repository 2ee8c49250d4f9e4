package io.hapax.examples.payments;

import io.hapax.LeaseLostException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A worker in a process of its own. It books payment 1, says so before it commits, and waits for a line: at this point the
 * example freezes it, as a long garbage collection or a laptop's lid would.
 */
public final class FrozenWorker {

    private FrozenWorker() {}

    /**
     * Runs the worker.
     *
     * @param arguments address of Redis, address of PostgreSQL, its user and password
     */
    public static void main(String[] arguments) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setURL(arguments[1]);
        database.setUser(arguments[2]);
        database.setPassword(arguments[3]);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Ledgered worker = Ledgered.open(arguments[0], database, "frozen")) {
            Ledgered.untilItRuns(() -> worker.book(1, () -> {
                System.out.println("booked, not committed");
                readLine(input);
            }));
            System.out.println("committed");
        } catch (LeaseLostException told) {
            System.out.println("rolled back: " + told.getMessage());
        } catch (Exception told) {
            System.out.println("rolled back: " + told);
        }
    }

    private static void readLine(BufferedReader input) {
        try {
            String unused = input.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

package io.hapax.cli;

import io.hapax.lease.LeaseStoreException;
import io.hapax.time.DurationText;
import java.io.Console;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import picocli.CommandLine.Option;

/** Shows something again and again: on a terminal in place of what was there, elsewhere below it. */
final class Repeatedly {

    private static final Duration SHORTEST = Duration.ofMillis(200);
    /** To the first line, and all below it away. */
    private static final String CLEAR = "\u001b[H\u001b[2J";

    @Option(
            names = "--every",
            paramLabel = "DURATION",
            description = "how often it is shown, by default every 2s; doctor every 5s at most")
    private String every = "2s";

    /** How often, but not more often than what is asked can bear. */
    Duration period(Duration least) {
        Duration period = DurationText.parse("--every", every);
        if (period.compareTo(SHORTEST) < 0) {
            throw new IllegalArgumentException("--every must be at least 200ms, was " + every);
        }
        return period.compareTo(least) < 0 ? least : period;
    }

    /**
     * Goes on until the process is ended, or nobody reads it any more.
     *
     * @param least the shortest period
     * @param look what is shown; trouble of a server is shown as well
     */
    void show(CommonOptions common, Supplier<Duration> least, Supplier<Consumer<PrintWriter>> look) {
        period(Duration.ZERO);
        boolean terminal = !common.isJson() && isTerminal();
        boolean first = true;
        while (true) {
            Consumer<PrintWriter> seen = looked(common, look);
            boolean separate = !first && !terminal && !common.isJson();
            boolean isRead = common.write(out -> {
                if (terminal) {
                    out.print(CLEAR);
                } else if (separate) {
                    out.println();
                }
                seen.accept(out);
            });
            if (!isRead) {
                return;
            }
            first = false;
            try {
                TimeUnit.MILLISECONDS.sleep(period(least.get()).toMillis());
            } catch (InterruptedException ending) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private static Consumer<PrintWriter> looked(CommonOptions common, Supplier<Consumer<PrintWriter>> look) {
        try {
            return look.get();
        } catch (LeaseStoreException trouble) {
            String message = PlainText.withoutPasswords(String.valueOf(trouble.getMessage()));
            return out -> {
                if (common.isJson()) {
                    out.println(CommonOptions.json(new HapaxCommandLine.Failure(message, ExitCodes.FAILED)));
                } else {
                    PlainText.paragraph(out, "", PlainText.time(common.now()) + ": " + message);
                }
            };
        }
    }

    @SuppressWarnings("SystemConsoleNull") // newer ones are asked below
    private static boolean isTerminal() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            // Since Java 22 there is a console without a terminal, too.
            return (Boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (ReflectiveOperationException older) {
            return true;
        }
    }
}

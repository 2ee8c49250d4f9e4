package io.hapax.worker;

import io.hapax.testkit.WallClock;
import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** What a command has printed, and its exit code. */
record Answered(int code, String out, String err) {

    static CommandLine commandLine() {
        return WorkerMain.commandLine(WallClock.REAL);
    }

    static Answered by(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
        return new Answered(code, out.toString(), err.toString());
    }
}

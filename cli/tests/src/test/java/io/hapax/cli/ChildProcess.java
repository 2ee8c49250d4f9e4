package io.hapax.cli;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Processes of tests that end, whatever they wait for: whoever reads what one says can not be interrupted. */
final class ChildProcess {

    private static final int LONGEST_MINUTES = 6;

    private ChildProcess() {}

    static Process start(ProcessBuilder builder) throws IOException {
        Process process = builder.start();
        CompletableFuture.delayedExecutor(LONGEST_MINUTES, TimeUnit.MINUTES, Runnable::run)
                .execute(process::destroyForcibly);
        return process;
    }
}

package io.hapax.worker;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What has been opened; the last is closed first. Used under a lock of its owner. */
final class OpenThings implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(WorkerAssembly.class);

    /** A way to close something that may fail. */
    @FunctionalInterface
    interface Closing<T> {
        void close(T resource) throws Exception;
    }

    private final Deque<AutoCloseable> toClose = new ArrayDeque<>();

    <T> T add(T resource, Closing<T> closing) {
        toClose.push(() -> closing.close(resource));
        return resource;
    }

    /** An interrupt hurries what is being closed and nothing after it; its flag is there again in the end. */
    @Override
    public void close() {
        boolean interrupted = Thread.interrupted();
        while (!toClose.isEmpty()) {
            closeQuietly(toClose.pop());
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    static void closeQuietly(AutoCloseable closing) {
        try {
            closing.close();
        } catch (Throwable e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            LOG.warn("something could not be closed cleanly", e);
        }
    }
}

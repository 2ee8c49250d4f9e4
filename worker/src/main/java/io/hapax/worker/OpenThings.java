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

    @Override
    public void close() {
        while (!toClose.isEmpty()) {
            closeQuietly(toClose.pop());
        }
    }

    static void closeQuietly(AutoCloseable closing) {
        try {
            closing.close();
        } catch (Exception e) {
            LOG.warn("something could not be closed cleanly", e);
        }
    }
}

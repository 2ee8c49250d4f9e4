package io.hapax.benchmarks.harness;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** What of a measurement has failed: one sample does not cost the others, as all of them together take long. Not thread-safe. */
public final class Failures {

    private final List<String> failed = new ArrayList<>();

    /** Starts without failures. */
    public Failures() {}

    /** Something that is measured. */
    @FunctionalInterface
    public interface Step {
        /**
         * Measures it.
         *
         * @throws Exception if it cannot be measured
         */
        void measure() throws Exception;
    }

    /**
     * Measures, and notes a failure.
     *
     * @param what is measured, for the message
     * @param step measures it
     * @throws InterruptedException if the thread is interrupted
     */
    public void note(String what, Step step) throws InterruptedException {
        try {
            step.measure();
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            System.out.println(what + " failed: " + e);
            failed.add(what + ": " + e.getMessage());
        }
    }

    /**
     * Fails if something has failed.
     *
     * @throws IOException which names what could not be measured
     */
    public void report() throws IOException {
        if (!failed.isEmpty()) {
            throw new IOException("not all could be measured: " + String.join("; ", failed));
        }
    }
}

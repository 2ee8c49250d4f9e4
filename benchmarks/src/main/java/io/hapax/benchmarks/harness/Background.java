package io.hapax.benchmarks.harness;

/** Threads that do not keep the JVM alive. */
public final class Background {

    private Background() {}

    /**
     * Starts a thread.
     *
     * @param name its name
     * @param what what it does
     */
    public static void run(String name, Runnable what) {
        Thread thread = new Thread(what, name);
        thread.setDaemon(true);
        thread.start();
    }
}

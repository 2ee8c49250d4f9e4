package io.hapax.testkit;

/** Ports of this machine for servers that a test starts. */
public final class FreePort {

    private FreePort() {}

    /**
     * Chooses a port on which nothing listens. It is none of those that the system gives to outgoing connections, and no other process that
     * asks here is given it: it stays free until the server opens it, and while that is stopped.
     *
     * @return the port, another one each time
     */
    public static int next() {
        return ServerProcesses.freePort();
    }
}

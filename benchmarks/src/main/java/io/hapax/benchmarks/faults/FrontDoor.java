package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.harness.Background;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Map;

/**
 * One address of a server for all workers, since the members of a quorum have to agree on its addresses: each connection is
 * handed to the proxy of the worker whose address it comes from, see {@link Shim}.
 */
final class FrontDoor implements Closeable {

    private final ServerSocket server;
    private final Map<InetAddress, TcpProxy> lines;

    private FrontDoor(ServerSocket server, Map<InetAddress, TcpProxy> lines) {
        this.server = server;
        this.lines = lines;
    }

    /** Opens a door before the proxies of each worker. */
    static FrontDoor before(Map<InetAddress, TcpProxy> lines) throws IOException {
        FrontDoor door = new FrontDoor(new ServerSocket(0, 100, InetAddress.getLoopbackAddress()), lines);
        Background.run("door", door::accept);
        return door;
    }

    int port() {
        return server.getLocalPort();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                lead(server.accept());
            } catch (IOException closedByOneSide) {
                // The next one, if there is one.
            }
        }
    }

    private void lead(Socket client) throws IOException {
        TcpProxy line = lines.get(client.getInetAddress());
        if (line == null) {
            client.close();
        } else {
            line.adopt(client);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}

package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.harness.Background;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A line between one worker and one server that can be cut, slowed down and held up, in both directions or in one. What is
 * held up arrives late, as with TCP on a network that loses packets for a while; nothing is lost in the middle of a stream.
 * Thread-safe.
 */
final class TcpProxy implements Closeable {

    /** What happens to the bytes. */
    enum Mode {
        PASS,
        /** Connections are reset, new ones too. */
        CUT,
        HOLD_REQUESTS,
        HOLD_ANSWERS,
        HOLD_BOTH,
        /** The connection that sends something next, and no other. */
        HOLD_ONE
    }

    private static final int CONNECT_MILLIS = 1_000;
    private static final int CHUNK = 16 * 1024;

    private final ServerSocket server;
    private volatile int target;
    private final Object changed = new Object();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    // Guarded by changed.
    private Mode mode = Mode.PASS;
    private @Nullable Socket stalled;
    private long delayMillis;

    private TcpProxy(ServerSocket server, int target) {
        this.server = server;
        this.target = target;
    }

    static TcpProxy to(int target) throws IOException {
        TcpProxy proxy = new TcpProxy(new ServerSocket(0, 100, InetAddress.getLoopbackAddress()), target);
        Background.run("proxy-" + target, proxy::accept);
        return proxy;
    }

    int port() {
        return server.getLocalPort();
    }

    /** Where new connections go from now on. */
    void leadTo(int other) {
        target = other;
    }

    /** Takes over a connection that somebody else has accepted. */
    void adopt(Socket client) {
        Background.run("proxy-connect", () -> connect(client));
    }

    void set(Mode wanted) {
        synchronized (changed) {
            mode = wanted;
            stalled = null;
            changed.notifyAll();
        }
        if (wanted == Mode.CUT) {
            open.forEach(TcpProxy::reset);
        }
    }

    /** Whether a connection has sent something since {@link Mode#HOLD_ONE} was set, and is held up. */
    boolean stallsOne() {
        synchronized (changed) {
            return stalled != null;
        }
    }

    void heal() {
        delay(0);
        set(Mode.PASS);
    }

    void delay(long millis) {
        synchronized (changed) {
            delayMillis = millis;
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                adopt(server.accept());
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void connect(Socket client) {
        open.add(client);
        Socket upstream = new Socket();
        try {
            if (mode() == Mode.CUT) {
                throw new IOException("cut");
            }
            upstream.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target), CONNECT_MILLIS);
            open.add(upstream);
            client.setTcpNoDelay(true);
            upstream.setTcpNoDelay(true);
            Background.run("proxy-requests", () -> pump(client, upstream, client, Mode.HOLD_REQUESTS));
            pump(upstream, client, client, Mode.HOLD_ANSWERS);
        } catch (IOException refused) {
            end(client, upstream);
        }
    }

    private void pump(Socket from, Socket to, Socket connection, Mode holding) {
        byte[] chunk = new byte[CHUNK];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int length = in.read(chunk); length >= 0; length = in.read(chunk)) {
                pass(connection, holding);
                out.write(chunk, 0, length);
            }
        } catch (IOException broken) {
            // The other direction ends with it.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        end(from, to);
    }

    private void pass(Socket connection, Mode holding) throws InterruptedException {
        long delay;
        synchronized (changed) {
            if (mode == Mode.HOLD_ONE && stalled == null && holding == Mode.HOLD_REQUESTS) {
                stalled = connection;
            }
            while (mode == holding || mode == Mode.HOLD_BOTH || (mode == Mode.HOLD_ONE && stalled == connection)) {
                changed.wait();
            }
            delay = delayMillis;
        }
        if (delay > 0) {
            TimeUnit.MILLISECONDS.sleep(delay);
        }
    }

    private Mode mode() {
        synchronized (changed) {
            return mode;
        }
    }

    private void end(Socket one, Socket other) {
        open.remove(one);
        open.remove(other);
        reset(one);
        reset(other);
    }

    /** With RST, as of a server that died. */
    private static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException closedAlready) {
            // That is what was wanted.
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        open.forEach(TcpProxy::reset);
        set(Mode.PASS);
    }
}

package io.hapax.benchmarks.harness;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** A plain connection to Redis for what a measurement looks at from outside. Not thread-safe. */
public final class RedisLine implements AutoCloseable {

    private final Socket socket;
    private final BufferedReader in;

    /**
     * Connects.
     *
     * @param port the port on this machine
     * @throws IOException if nothing listens there
     */
    public RedisLine(int port) throws IOException {
        this.socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        this.in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Measures how long Redis takes to answer anybody.
     *
     * @return milliseconds from sending a PING to its answer
     * @throws IOException if the connection is gone
     */
    public double pingMillis() throws IOException {
        long begun = System.nanoTime();
        send("PING");
        if (in.readLine() == null) {
            throw new IOException("Redis closed the connection");
        }
        return (System.nanoTime() - begun) / 1e6;
    }

    /**
     * Lets Redis report every command that it carries out. Returns once Redis does so; the connection is then of no other
     * use, and closing it ends the thread that listens.
     *
     * @param listener receives each line, on a thread of its own
     * @throws IOException if the connection is gone
     */
    public void monitor(Consumer<String> listener) throws IOException {
        beginMonitor();
        Background.run("monitor", () -> {
            try {
                pass(listener);
            } catch (IOException closed) {
                // That is how listening ends.
            }
        });
    }

    /**
     * Does what {@link #monitor} does on the calling thread, for as long as the connection lasts.
     *
     * @param listener receives each line
     * @throws IOException if the connection breaks; none if the server ends it
     */
    public void monitorHere(Consumer<String> listener) throws IOException {
        beginMonitor();
        pass(listener);
    }

    private void beginMonitor() throws IOException {
        send("MONITOR");
        if (!"+OK".equals(in.readLine())) {
            throw new IOException("Redis does not let itself be monitored");
        }
    }

    private void pass(Consumer<String> listener) throws IOException {
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            listener.accept(line);
        }
    }

    private void send(String command) throws IOException {
        socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}

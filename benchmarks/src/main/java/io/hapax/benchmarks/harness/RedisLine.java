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
     * Lets Redis tell every command that it carries out. Returns when Redis does so; the connection is then of no other
     * use, and closing it ends the thread that listens.
     *
     * @param listener is told each line, on a thread of its own
     * @throws IOException if the connection is gone
     */
    public void monitor(Consumer<String> listener) throws IOException {
        send("MONITOR");
        if (!"+OK".equals(in.readLine())) {
            throw new IOException("Redis does not let itself be monitored");
        }
        Thread thread = new Thread(() -> pass(listener), "monitor");
        thread.setDaemon(true);
        thread.start();
    }

    private void pass(Consumer<String> listener) {
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                listener.accept(line);
            }
        } catch (IOException closed) {
            // That is how listening ends.
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

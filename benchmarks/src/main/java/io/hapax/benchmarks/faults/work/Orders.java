package io.hapax.benchmarks.faults.work;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** The line to the nemesis and its queue: deliveries and orders come in, answers go out. Thread-safe. */
final class Orders implements AutoCloseable {

    private final Object lock = new Object();
    private final Socket socket;

    private Orders(Socket socket) {
        this.socket = socket;
    }

    static Orders connect(int port, String worker) throws IOException {
        Orders orders = new Orders(new Socket(InetAddress.getLoopbackAddress(), port));
        orders.socket.setTcpNoDelay(true);
        orders.say(worker);
        return orders;
    }

    /** Reads orders until the other side is gone. */
    void listen(Consumer<String[]> order) throws IOException {
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            order.accept(line.split(" ", -1));
        }
    }

    void say(String words) {
        synchronized (lock) {
            try {
                OutputStream out = socket.getOutputStream();
                out.write((words + "\n").getBytes(StandardCharsets.UTF_8));
                out.flush();
            } catch (IOException gone) {
                // So is the whole fleet.
            }
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}

package io.hapax.benchmarks.faults.history;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A line to the observer. Thread-safe; calls fail once the observer is gone. */
public final class World implements AutoCloseable {

    private final Object lock = new Object();
    private final Socket socket;
    private final BufferedReader answers;

    private World(Socket socket) throws IOException {
        this.socket = socket;
        this.answers = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Connects.
     *
     * @param port of the observer
     * @param name who speaks
     * @return the line
     * @throws IOException if there is no observer
     */
    public static World connect(int port, String name) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        World world = new World(socket);
        world.send(name);
        return world;
    }

    /**
     * Tells what happens, without waiting.
     *
     * @param type what
     * @param fields the details
     */
    public void tell(EventType type, Object... fields) {
        StringBuilder line = new StringBuilder("event\t").append(type);
        for (Object field : fields) {
            line.append('\t').append(String.valueOf(field).replaceAll("\\s+", " "));
        }
        synchronized (lock) {
            send(line.toString());
        }
    }

    /**
     * Asks for something.
     *
     * @param question what, and its fields
     * @return the answer
     */
    public String ask(String... question) {
        synchronized (lock) {
            send("ask\t" + String.join("\t", question));
            try {
                String answer = answers.readLine();
                if (answer == null) {
                    throw new IOException("the observer is gone");
                }
                return answer;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void send(String line) {
        try {
            OutputStream out = socket.getOutputStream();
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("the observer is gone", e);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}

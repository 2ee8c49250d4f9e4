package io.hapax.benchmarks.harness;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A socket and the least code that speaks RESP2: what any client costs at least. Not thread-safe. */
public final class RespConnection implements AutoCloseable {

    private final Socket socket;
    private final InputStream in;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(1024);

    /**
     * Connects.
     *
     * @param host where Redis listens
     * @param port its port
     * @throws IOException if nothing listens there
     */
    public RespConnection(String host, int port) throws IOException {
        this.socket = new Socket(host, port);
        socket.setTcpNoDelay(true);
        this.in = new BufferedInputStream(socket.getInputStream(), 4096);
    }

    /**
     * Sends a command and waits for its answer.
     *
     * @param words the command and its arguments
     * @return what {@link #answer} returns
     * @throws IOException if Redis answers with an error, or the connection is gone
     */
    public Object call(List<String> words) throws IOException {
        add(words);
        send();
        return answer();
    }

    /**
     * Adds a command to what is sent next.
     *
     * @param words the command and its arguments
     */
    public void add(List<String> words) {
        line("*" + words.size());
        for (String word : words) {
            byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
            line("$" + bytes.length);
            out.write(bytes, 0, bytes.length);
            line("");
        }
    }

    /**
     * Sends what was added.
     *
     * @throws IOException if the connection is gone
     */
    public void send() throws IOException {
        out.writeTo(socket.getOutputStream());
        out.reset();
    }

    private void line(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        out.write(bytes, 0, bytes.length);
        out.write('\r');
        out.write('\n');
    }

    /**
     * Waits for the next answer, or the next message of a subscription.
     *
     * @return a {@code Long}, a {@code String}, which is empty for null, or a {@code List} of them
     * @throws IOException if Redis answers with an error, or the connection is gone
     */
    public Object answer() throws IOException {
        String line = line();
        String rest = line.substring(1);
        return switch (line.charAt(0)) {
            case ':' -> Long.valueOf(rest);
            case '+' -> rest;
            case '$' -> bulk(Integer.parseInt(rest));
            case '*' -> list(Integer.parseInt(rest));
            default -> throw new IOException(line);
        };
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\r'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("Redis hung up");
            }
            line.append((char) c);
        }
        int newline = in.read();
        assert newline == '\n';
        return line.toString();
    }

    private Object bulk(int length) throws IOException {
        if (length < 0) {
            return "";
        }
        byte[] bytes = in.readNBytes(length + 2);
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    private List<Object> list(int length) throws IOException {
        List<Object> list = new ArrayList<>();
        for (int n = 0; n < length; n++) {
            list.add(answer());
        }
        return list;
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

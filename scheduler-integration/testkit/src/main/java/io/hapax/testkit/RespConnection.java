package io.hapax.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.StringJoiner;
import javax.net.ssl.SSLSocketFactory;

/** One connection that speaks just enough of the Redis protocol (RESP2) to send a command and print the answer. */
final class RespConnection implements AutoCloseable {

    private static final int TIMEOUT_MILLIS = 10_000;

    private final Socket socket;
    private final InputStream in;
    private boolean refused;

    RespConnection(String host, int port, boolean tls) throws IOException {
        this(host, port, tls, TIMEOUT_MILLIS);
    }

    RespConnection(String host, int port, boolean tls, int timeoutMillis) throws IOException {
        this.socket = tls ? SSLSocketFactory.getDefault().createSocket() : new Socket();
        try {
            socket.connect(new InetSocketAddress(host, port), timeoutMillis);
            socket.setSoTimeout(timeoutMillis);
            this.in = new BufferedInputStream(socket.getInputStream());
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** Returns the answer as text: lists one item a line, nil as {@code (nil)}, errors as {@code -ERR …}. */
    String call(String... words) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ascii("*" + words.length + "\r\n"));
        for (String word : words) {
            byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
            out.writeBytes(ascii("$" + bytes.length + "\r\n"));
            out.writeBytes(bytes);
            out.writeBytes(ascii("\r\n"));
        }
        socket.getOutputStream().write(out.toByteArray());
        String line = line();
        refused = line.startsWith("-");
        return answer(line);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    /** Whether the last answer is an error: a value may look like one. */
    boolean refused() {
        return refused;
    }

    private String answer(String line) throws IOException {
        String rest = line.substring(1);
        return switch (line.charAt(0)) {
            case '+', ':' -> rest;
            case '-' -> line;
            case '$' -> bulk(Integer.parseInt(rest));
            case '*' -> list(Integer.parseInt(rest));
            default -> throw new IOException("not an answer of Redis: '" + line + "'");
        };
    }

    private String bulk(int length) throws IOException {
        if (length < 0) {
            return "(nil)";
        }
        byte[] bytes = in.readNBytes(length);
        line();
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private String list(int length) throws IOException {
        StringJoiner items = new StringJoiner("\n");
        for (int i = 0; i < length; i++) {
            items.add(answer(line()));
        }
        return length < 0 ? "(nil)" : items.toString();
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int next = in.read();
        while (next != '\r') {
            if (next < 0) {
                throw new EOFException("Redis closed the connection in the middle of an answer");
            }
            line.write(next);
            next = in.read();
        }
        if (in.read() != '\n') {
            throw new IOException("an answer of Redis has a line without an end");
        }
        return line.toString(StandardCharsets.UTF_8);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}

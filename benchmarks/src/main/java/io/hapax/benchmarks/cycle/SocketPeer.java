package io.hapax.benchmarks.cycle;

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
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A socket for each caller and the least code that speaks RESP2: what a client costs at least. */
final class SocketPeer implements Contender {

    private final Servers servers;
    private final Commands commands;
    private final List<String> shas = new ArrayList<>();
    private final Queue<Connection> idle = new ConcurrentLinkedQueue<>();

    SocketPeer(Servers servers, Commands commands) {
        this.servers = servers;
        this.commands = commands;
        try (Connection first = new Connection(servers)) {
            for (String script : commands.scripts()) {
                shas.add((String) first.call(List.of("SCRIPT", "LOAD", script)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void cycle(String key) throws IOException {
        Connection free = idle.poll();
        Connection connection = free == null ? new Connection(servers) : free;
        String owner = Commands.owner();
        commands.granted(connection.call(words(commands.take(key, owner))));
        commands.givenBack(connection.call(words(commands.giveBack(key, owner))));
        idle.add(connection);
    }

    private List<String> words(Commands.Call call) {
        return words(call, shas);
    }

    static List<String> words(Commands.Call call, List<String> shas) {
        List<String> words = new ArrayList<>();
        if (call.script() < 0) {
            words.add("SET");
        } else {
            words.addAll(List.of(
                    "EVALSHA",
                    shas.get(call.script()),
                    Integer.toString(call.keys().size())));
        }
        words.addAll(call.keys());
        words.addAll(call.args());
        return words;
    }

    @Override
    public void close() {
        idle.forEach(Connection::close);
    }

    /** One socket; not thread-safe. */
    static final class Connection implements AutoCloseable {

        private final Socket socket;
        private final InputStream in;
        private final ByteArrayOutputStream out = new ByteArrayOutputStream(1024);

        Connection(Servers servers) throws IOException {
            this.socket = new Socket(servers.host(), servers.port());
            socket.setTcpNoDelay(true);
            this.in = new BufferedInputStream(socket.getInputStream(), 4096);
        }

        Object call(List<String> words) throws IOException {
            add(words);
            send();
            return answer();
        }

        /** Adds a command to what is sent next. */
        void add(List<String> words) {
            line("*" + words.size());
            for (String word : words) {
                byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
                line("$" + bytes.length);
                out.write(bytes, 0, bytes.length);
                line("");
            }
        }

        void send() throws IOException {
            out.writeTo(socket.getOutputStream());
            out.reset();
        }

        private void line(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
            out.write(bytes, 0, bytes.length);
            out.write('\r');
            out.write('\n');
        }

        Object answer() throws IOException {
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
}

package io.hapax.redis;

import io.hapax.testkit.EmbeddedRedis;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * Stands before a real server and refuses what managed services refuse. Scripts run as a user without INFO and TIME, as an ACL
 * binds scripts and connections alike, and fail on keys that are not declared, which Redis 7.0 accepts.
 */
final class NarrowRedis implements AutoCloseable {

    /** What it refuses beside TIME, INFO and undeclared keys in scripts. */
    enum Refuses {
        /** All commands about clients, as Memorystore does. */
        CLIENT,
        /** To tell its run_id, as Dragonfly does. */
        RUN_ID,
        /** Any INFO. */
        INFO
    }

    private static final String SCRIPTS = "scripts";
    private static final String STRICT = """
            local redis = (function()
              local real, declared = redis, {}
              for _, key in ipairs(KEYS) do declared[key] = true end
              local none = {PUBLISH = 1, SCAN = 1, TIME = 1, INFO = 1}
              local many = {MGET = 1, DEL = 1}
              local undeclared = function(command, ...)
                if none[command] then return nil end
                for n, key in ipairs({...}) do
                  if (n == 1 or many[command]) and not declared[key] then return key end
                end
              end
              local strict = {error_reply = real.error_reply, acl_check_cmd = real.acl_check_cmd}
              strict.call = function(...)
                local key = undeclared(...)
                if key then error({err = 'ERR Script attempted to access a key that is not declared: ' .. key}) end
                return real.call(...)
              end
              strict.pcall = function(...)
                local key = undeclared(...)
                if key then return {err = 'ERR Script attempted to access a key that is not declared: ' .. key} end
                return real.pcall(...)
              end
              return strict
            end)()
            """;

    private final EmbeddedRedis behind;
    private final boolean owns;
    private final Set<Refuses> refusals;
    private final ServerSocket listener;
    private final Map<String, String> scripts = new ConcurrentHashMap<>();
    private final List<Socket> open = new CopyOnWriteArrayList<>();
    private final AtomicInteger names = new AtomicInteger();
    private volatile String posesAs = "";
    private volatile boolean closed;

    private NarrowRedis(EmbeddedRedis behind, boolean owns, Set<Refuses> refusals) {
        this.behind = behind;
        this.owns = owns;
        this.refusals = refusals;
        try {
            this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new IllegalStateException("no port is free", e);
        }
        daemon(this::accept);
    }

    static NarrowRedis start(Refuses... refusals) {
        return new NarrowRedis(EmbeddedRedis.start(), true, set(refusals));
    }

    /** Stands before a server that is there already. */
    static NarrowRedis before(EmbeddedRedis server, Refuses... refusals) {
        return new NarrowRedis(server, false, set(refusals));
    }

    private static Set<Refuses> set(Refuses... refusals) {
        Set<Refuses> all = EnumSet.noneOf(Refuses.class);
        all.addAll(List.of(refusals));
        return all;
    }

    String url() {
        return "redis://127.0.0.1:" + listener.getLocalPort();
    }

    EmbeddedRedis behind() {
        return behind;
    }

    /** Says from now on that it is this process. */
    void poseAs(String runId) {
        posesAs = runId;
    }

    /** How many connections have tried to give themselves a name. */
    int namings() {
        return names.get();
    }

    private void accept() {
        while (!closed) {
            try {
                Socket client = listener.accept();
                open.add(client);
                daemon(() -> serve(client));
            } catch (IOException over) {
                return;
            }
        }
    }

    /** The two connections to the server: of the client, and of the scripts that it runs. */
    private final class Backend implements AutoCloseable {
        private final Socket plain = connect();
        private final Socket scripted = connect();
        private final InputStream plainIn = new BufferedInputStream(plain.getInputStream());
        private final InputStream scriptedIn = new BufferedInputStream(scripted.getInputStream());

        Backend() throws IOException {
            // A server that was restarted has forgotten it.
            ask(List.of("ACL", "SETUSER", SCRIPTS, "on", "nopass", "~*", "&*", "+@all", "-info", "-time"));
            scripted.getOutputStream().write(command(List.of("AUTH", SCRIPTS, "any")));
            reply(scriptedIn);
        }

        private Socket connect() throws IOException {
            Socket socket = new Socket(InetAddress.getLoopbackAddress(), behind.port());
            socket.setTcpNoDelay(true);
            open.add(socket);
            return socket;
        }

        byte[] ask(List<String> words) throws IOException {
            plain.getOutputStream().write(command(words));
            return reply(plainIn);
        }

        byte[] run(List<String> words) throws IOException {
            scripted.getOutputStream().write(command(words));
            return reply(scriptedIn);
        }

        @Override
        public void close() throws IOException {
            plain.close();
            scripted.close();
        }
    }

    private void serve(Socket client) {
        try (client;
                Backend backend = new Backend()) {
            client.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(client.getInputStream());
            OutputStream out = client.getOutputStream();
            while (true) {
                List<String> words = words(in);
                if (words.get(0).equalsIgnoreCase("SUBSCRIBE")) {
                    listen(words, in, out, backend);
                    return;
                }
                out.write(answer(words, backend));
                out.flush();
            }
        } catch (IOException ended) {
            // One of them has hung up.
        }
    }

    private byte[] answer(List<String> words, Backend backend) throws IOException {
        return switch (words.get(0).toUpperCase(Locale.ROOT)) {
            case "EVAL" -> {
                String strict = STRICT + words.get(1);
                scripts.put(sha(words.get(1)), strict);
                yield backend.run(with(words, "EVAL", strict));
            }
            case "EVALSHA" -> {
                String strict = scripts.get(words.get(1));
                yield strict == null
                        ? text("-NOSCRIPT No matching script.\r\n")
                        : backend.run(with(words, "EVAL", strict));
            }
            case "INFO" -> info(words, backend);
            case "CONFIG", "ROLE", "TIME" -> text("-ERR unknown command '" + words.get(0) + "'\r\n");
            case "CLIENT" -> {
                names.incrementAndGet();
                yield refusals.contains(Refuses.CLIENT)
                        ? text("-ERR unknown command 'CLIENT', with args beginning with: 'SETNAME'\r\n")
                        : backend.ask(words);
            }
            default -> backend.ask(words);
        };
    }

    private byte[] info(List<String> words, Backend backend) throws IOException {
        if (refusals.contains(Refuses.INFO)) {
            return text("-ERR unknown command 'INFO'\r\n");
        }
        String reply = new String(backend.ask(words), StandardCharsets.UTF_8);
        String body = reply.substring(reply.indexOf("\r\n") + 2)
                .lines()
                .filter(line -> !(line.startsWith("run_id:") && refusals.contains(Refuses.RUN_ID)))
                .map(line -> line.startsWith("run_id:") && !posesAs.isEmpty() ? "run_id:" + posesAs : line)
                .collect(Collectors.joining("\r\n"));
        return text("$" + body.getBytes(StandardCharsets.UTF_8).length + "\r\n" + body + "\r\n");
    }

    private static List<String> with(List<String> words, String command, String script) {
        List<String> all = new ArrayList<>(words);
        all.set(0, command);
        all.set(1, script);
        return all;
    }

    /** From now on the server may say something at any time. */
    private static void listen(List<String> words, InputStream in, OutputStream out, Backend backend)
            throws IOException {
        backend.plain.getOutputStream().write(command(words));
        daemon(() -> {
            try {
                backend.plainIn.transferTo(out);
            } catch (IOException ended) {
                // One of them has hung up.
            }
        });
        in.transferTo(backend.plain.getOutputStream());
    }

    private static List<String> words(InputStream in) throws IOException {
        String head = line(in);
        int count = Integer.parseInt(head.substring(1));
        List<String> words = new ArrayList<>(count);
        for (int n = 0; n < count; n++) {
            int length = Integer.parseInt(line(in).substring(1));
            words.add(new String(in.readNBytes(length), StandardCharsets.UTF_8));
            line(in);
        }
        return words;
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException();
            }
            if (c != '\r') {
                line.write(c);
            }
        }
        return line.toString(StandardCharsets.UTF_8);
    }

    private static byte[] command(List<String> words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(text("*" + words.size() + "\r\n"));
        for (String word : words) {
            byte[] bytes = text(word);
            out.writeBytes(text("$" + bytes.length + "\r\n"));
            out.writeBytes(bytes);
            out.writeBytes(text("\r\n"));
        }
        return out.toByteArray();
    }

    /** One reply as it is on the wire. */
    private static byte[] reply(InputStream in) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        copyReply(in, out);
        return out.toByteArray();
    }

    private static void copyReply(InputStream in, ByteArrayOutputStream out) throws IOException {
        String head = line(in);
        out.writeBytes(text(head + "\r\n"));
        int length = head.startsWith("$") || head.startsWith("*") ? Integer.parseInt(head.substring(1)) : -1;
        if (head.startsWith("$") && length >= 0) {
            out.writeBytes(in.readNBytes(length + 2));
        }
        for (int n = 0; head.startsWith("*") && n < length; n++) {
            copyReply(in, out);
        }
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String sha(String script) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text(script)));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work, "narrow-redis");
        thread.setDaemon(true);
        thread.start();
    }

    /** Hangs up on everybody. */
    void hangUp() {
        open.forEach(NarrowRedis::close);
        open.clear();
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException alreadyClosed) {
            // Nothing is left to close.
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            listener.close();
        } catch (IOException alreadyClosed) {
            // Nothing is left to close.
        }
        hangUp();
        if (owns) {
            behind.close();
        }
    }
}

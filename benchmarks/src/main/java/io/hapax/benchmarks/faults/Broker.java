package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.harness.Background;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A queue that delivers at least once: every item goes to two workers at once, again if nobody has answered for a while or the
 * worker is gone, again somewhat later if it was put off, and every fifth one again after it was settled. The workers' lines
 * also carry the orders of the nemesis. Thread-safe.
 */
final class Broker implements Closeable {

    private static final int COPIES = 2;
    private static final int EVERY_FIFTH = 5;
    private static final long LATE_COPY = TimeUnit.SECONDS.toNanos(3);
    private static final long PUT_OFF = TimeUnit.MILLISECONDS.toNanos(300);
    private static final long LONGEST_PUT_OFF = TimeUnit.SECONDS.toNanos(1);

    private final ServerSocket server;
    private final Object lock = new Object();
    // Guarded by the lock.
    private final Map<String, Line> lines = new LinkedHashMap<>();
    private final Map<String, Item> items = new LinkedHashMap<>();
    private int turn;
    private int settled;

    private Broker(ServerSocket server) {
        this.server = server;
    }

    static Broker start() throws IOException {
        Broker broker = new Broker(new ServerSocket(0, 100, InetAddress.getLoopbackAddress()));
        Background.run("broker-accept", broker::accept);
        Background.run("broker-deliver", broker::deliver);
        return broker;
    }

    int port() {
        return server.getLocalPort();
    }

    /** A worker's line, as long as its process lives. */
    private static final class Line {
        private final Socket socket;
        private boolean up;
        private String reached = "";

        Line(Socket socket) {
            this.socket = socket;
        }

        void say(String words) {
            try {
                socket.getOutputStream().write((words + "\n").getBytes(StandardCharsets.UTF_8));
            } catch (IOException gone) {
                // Its reader notices.
            }
        }
    }

    private static final class Item {
        private final String id;
        private final String key;
        private final long visibleFor;
        private final List<Copy> copies = new ArrayList<>();
        private boolean settled;

        Item(String id, String key) {
            this.id = id;
            this.key = key;
            this.visibleFor = TimeUnit.SECONDS.toNanos(id.startsWith("long") ? 10 : 2);
        }
    }

    private static final class Copy {
        private @Nullable Line at;
        private String worker = "";
        private long sentAt;
        private long nextAt;
        private long putOff = PUT_OFF;
    }

    void offer(String id, String key) {
        Item item = new Item(id, key);
        for (int i = 0; i < COPIES; i++) {
            Copy copy = new Copy();
            copy.nextAt = System.nanoTime();
            item.copies.add(copy);
        }
        synchronized (lock) {
            items.put(id, item);
        }
    }

    /** Gives an order to a worker, if it is there. */
    void order(String worker, String order) {
        Line line;
        synchronized (lock) {
            line = lines.get(worker);
            if (line != null) {
                line.reached = "";
            }
        }
        if (line != null) {
            line.say(order);
        }
    }

    boolean isUp(String worker) {
        synchronized (lock) {
            Line line = lines.get(worker);
            return line != null && line.up;
        }
    }

    /** Whether a worker has come to an armed place since its last order. */
    boolean hasReached(String worker, String point) {
        synchronized (lock) {
            Line line = lines.get(worker);
            return line != null && line.reached.equals(point);
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                socket.setTcpNoDelay(true);
                Background.run("broker-line", () -> serve(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        Line line = new Line(socket);
        String worker = "";
        try (BufferedReader words =
                new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
            worker = String.valueOf(words.readLine());
            synchronized (lock) {
                lines.put(worker, line);
            }
            for (String said = words.readLine(); said != null; said = words.readLine()) {
                heard(line, worker, said.split(" ", -1));
            }
        } catch (IOException killed) {
            // Below.
        }
        synchronized (lock) {
            lines.remove(worker, line);
        }
    }

    private void heard(Line line, String worker, String[] words) {
        synchronized (lock) {
            switch (words[0]) {
                case "up" -> line.up = true;
                case "reached" -> line.reached = words[1];
                case "settled" -> settle(words[1]);
                case "later" -> putOff(worker, words[1]);
                default -> throw new IllegalArgumentException(worker + " said " + String.join(" ", words));
            }
        }
    }

    private void settle(String id) {
        Item item = items.remove(id);
        if (item != null && !item.settled && settled++ % EVERY_FIFTH == 0) {
            Item again = new Item(id, item.key);
            again.settled = true;
            Copy copy = new Copy();
            copy.nextAt = System.nanoTime() + LATE_COPY;
            again.copies.add(copy);
            items.put(id, again);
        }
    }

    private void putOff(String worker, String id) {
        Item item = items.get(id);
        if (item == null) {
            return;
        }
        for (Copy copy : item.copies) {
            if (copy.at != null && copy.worker.equals(worker)) {
                copy.at = null;
                copy.nextAt = System.nanoTime() + copy.putOff;
                copy.putOff = Math.min(LONGEST_PUT_OFF, copy.putOff * 3 / 2);
                return;
            }
        }
    }

    private void deliver() {
        while (!server.isClosed()) {
            List<Runnable> sends = new ArrayList<>();
            synchronized (lock) {
                long now = System.nanoTime();
                items.values().forEach(item -> item.copies.forEach(copy -> consider(item, copy, now, sends)));
            }
            // A frozen worker's socket may be full, and must not hold up the others.
            sends.forEach(Runnable::run);
            try {
                TimeUnit.MILLISECONDS.sleep(50);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void consider(Item item, Copy copy, long now, List<Runnable> sends) {
        boolean gone = copy.at != null && (lines.get(copy.worker) != copy.at || now - copy.sentAt > item.visibleFor);
        if (gone) {
            copy.at = null;
            copy.nextAt = now;
        }
        if (copy.at != null || now - copy.nextAt < 0) {
            return;
        }
        List<Map.Entry<String, Line>> up =
                lines.entrySet().stream().filter(entry -> entry.getValue().up).toList();
        if (up.isEmpty()) {
            return;
        }
        Map.Entry<String, Line> next = up.get(Math.floorMod(turn++, up.size()));
        copy.worker = next.getKey();
        copy.at = next.getValue();
        copy.sentAt = now;
        Line line = next.getValue();
        sends.add(() -> line.say("deliver " + item.id + " " + item.key));
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}

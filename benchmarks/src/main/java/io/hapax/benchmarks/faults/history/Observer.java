package io.hapax.benchmarks.faults.history;

import io.hapax.benchmarks.harness.Background;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The observer: a process of its own with one clock, which no fault touches. Workers and the nemesis report to it what they
 * do; it writes that down at once, and keeps the {@link Resources} whose state is not in PostgreSQL.
 *
 * <p>A message is one line, with fields separated by tabs. {@code event}: type and fields, no answer. {@code ask}: a question and
 * its fields, one line of answer: {@code done} occurrence (which of its effects are there), {@code raise} key and token,
 * {@code file} run and occurrence, {@code store} run, occurrence, key and token, {@code pending} kinds, start and end in ms
 * ago (what was due then and has not ended well), {@code busiest} workers (the one with most active runs), {@code monitor} name
 * and port.
 */
public final class Observer {

    private final Object lock = new Object();
    private final Resources resources = new Resources();
    private final Map<String, Set<String>> open = new HashMap<>();
    /** Of each run that has not ended. */
    private final Map<String, String> occurrences = new HashMap<>();

    private final History history;

    private Observer(History history) {
        this.history = history;
    }

    /**
     * Observes until its standard input ends.
     *
     * @param args the file of the history
     * @throws IOException if the file cannot be written
     */
    public static void main(String[] args) throws IOException {
        try (ServerSocket server = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
                History history = History.appendTo(Path.of(args[0]))) {
            Observer observer = new Observer(history);
            Background.run("accept", () -> observer.accept(server));
            Witness.start(micros -> history.add(
                    Starvation.OBSERVER, EventType.STARVED, List.of(Starvation.OBSERVER, Long.toString(micros))));
            System.out.println("ready");
            System.out.println(server.getLocalPort());
            while (System.in.read() >= 0) {
                Thread.onSpinWait();
            }
        }
    }

    private void accept(ServerSocket server) {
        while (true) {
            try {
                Socket socket = server.accept();
                socket.setTcpNoDelay(true);
                Background.run("serve", () -> serve(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket;
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
            OutputStream out = socket.getOutputStream();
            String source = lines.readLine();
            for (String line = lines.readLine(); line != null && source != null; line = lines.readLine()) {
                List<String> words = Arrays.asList(line.split("\t", -1));
                List<String> fields = words.subList(2, words.size());
                if (words.get(0).equals("event")) {
                    event(source, EventType.valueOf(words.get(1)), fields);
                } else {
                    out.write((answer(source, words.get(1), fields) + "\n").getBytes(StandardCharsets.UTF_8));
                    out.flush();
                }
            }
        } catch (IOException killed) {
            // Workers are killed; what they have said stays.
        }
    }

    private void event(String source, EventType type, List<String> fields) {
        synchronized (lock) {
            if (type == EventType.DUE) {
                resources.due(fields.get(1));
            }
            if (type == EventType.BEGIN) {
                open.computeIfAbsent(source, name -> new HashSet<>()).add(fields.get(0));
                occurrences.put(fields.get(0), fields.get(2));
            } else if (type == EventType.END) {
                open.computeIfAbsent(source, name -> new HashSet<>()).remove(fields.get(0));
                String occurrence = occurrences.remove(fields.get(0));
                if (occurrence != null && fields.get(1).equals("done")) {
                    resources.ended(occurrence);
                }
            } else if (type == EventType.KILL) {
                Set<String> killed = open.remove(fields.get(0));
                if (killed != null) {
                    occurrences.keySet().removeAll(killed);
                }
            }
            history.add(source, type, fields);
        }
    }

    private String busiest(List<String> workers) {
        return workers.stream()
                .max(Comparator.comparingInt(
                        worker -> open.getOrDefault(worker, Set.of()).size()))
                .orElseThrow();
    }

    private static long millis(String text) {
        return TimeUnit.MILLISECONDS.toNanos(Long.parseLong(text));
    }

    private String answer(String source, String question, List<String> fields) {
        synchronized (lock) {
            return switch (question) {
                case "done" ->
                    (resources.isFiled(fields.get(0)) ? "filed" : "-")
                            + (resources.isStored(fields.get(0)) ? " stored" : " -");
                case "raise" -> resources.raise(fields.get(0), Long.parseLong(fields.get(1))) ? "ok" : "stale";
                case "file" -> {
                    resources.file(fields.get(1));
                    yield effect(source, fields.get(0), "file", fields.get(1), true);
                }
                case "store" -> {
                    boolean fresh = resources.store(fields.get(2), fields.get(1), Long.parseLong(fields.get(3)));
                    yield effect(source, fields.get(0), "store", fields.get(1), fresh);
                }
                case "pending" -> {
                    long now = System.nanoTime();
                    yield Long.toString(
                            resources.pending(fields.get(0), now - millis(fields.get(1)), now - millis(fields.get(2))));
                }
                case "busiest" -> busiest(fields);
                case "monitor" -> {
                    new RedisMonitor(fields.get(0), Integer.parseInt(fields.get(1)), history).start();
                    yield "ok";
                }
                default -> throw new IllegalArgumentException("no such question: " + question);
            };
        }
    }

    private String effect(String source, String run, String resource, String occurrence, boolean accepted) {
        String verdict = accepted ? "ok" : "stale";
        history.add(source, EventType.EFFECT, List.of(run, resource, occurrence, verdict));
        return verdict;
    }
}

package io.hapax.benchmarks.faults;

import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The append-only files of a Redis server as they were at some time, for a disk that lost what came later. */
final class Disk {

    private final Path folder;
    private final Map<Path, byte[]> remembered = new HashMap<>();

    private Disk(Path folder) {
        this.folder = folder;
    }

    /** Of a server that answers. */
    static Disk of(EmbeddedRedis redis) {
        List<String> answer = redis.command("CONFIG", "GET", "dir").lines().toList();
        return new Disk(Path.of(answer.get(1).trim(), "appendonlydir"));
    }

    /** Reads what is there now; of a file that is being written, what is there of it. */
    void remember() throws IOException {
        remembered.clear();
        for (Path file : files()) {
            remembered.put(file, Files.readAllBytes(file));
        }
    }

    /** Puts back what was there; the server must not run. */
    void recall() throws IOException {
        for (Path file : files()) {
            Files.delete(file);
        }
        for (Map.Entry<Path, byte[]> file : remembered.entrySet()) {
            Files.write(file.getKey(), file.getValue());
        }
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }
}

package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class ServersEndWithTheJvmTest {

    @Test
    void a_jvm_that_exits_leaves_neither_a_server_nor_a_file_behind(@TempDir Path temporary) throws Exception {
        Path data = Files.createDirectory(temporary.resolve("data"));
        Path programs = Files.createDirectory(temporary.resolve("programs"));
        List<String> lines =
                ChildJvm.run(StartAndExit.class, 7, "-Djava.io.tmpdir=" + programs, "-Dhapax.testkit.folder=" + data);
        List<String> pids = lines.stream().filter(line -> line.matches("\\d+")).toList();
        assertThat(pids).hasSize(3);
        // Who has taken the orphans may need a moment to note that they have ended.
        await().until(() -> pids.stream()
                .noneMatch(pid -> ProcessHandle.of(Long.parseLong(pid)).isPresent()));
        assertThat(leftOver(programs)).isEmpty();
        assertThat(leftOver(data)).isEmpty();
    }

    /** The hsperfdata folder is the JVM's own. */
    private static List<Path> leftOver(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> !file.getFileName().toString().startsWith("hsperf"))
                    .toList();
        }
    }

    /** Exits while one server runs, one is frozen, and one was started again. */
    static final class StartAndExit {
        private StartAndExit() {}

        public static void main(String[] args) {
            EmbeddedRedis running = EmbeddedRedis.start();
            EmbeddedRedis frozen = EmbeddedRedis.start();
            EmbeddedRedis restarted = EmbeddedRedis.start();
            restarted.restartEmpty();
            Stream.of(running, frozen, restarted).map(EmbeddedRedis::pid).forEach(System.out::println);
            frozen.freeze();
            System.exit(7);
        }
    }
}

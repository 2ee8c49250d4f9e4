package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.hapax.testkit.WallClock;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real JVM under the shim; skipped where there is no C compiler. */
@Tag("slow")
class ShimTest {

    @TempDir
    private Path folder;

    private Shim shim;

    @BeforeEach
    void build() throws Exception {
        Optional<Shim> built = Shim.build(folder);
        assumeTrue(built.isPresent(), "no C compiler (cc) here");
        shim = built.orElseThrow();
    }

    /** Says how far its clocks are ahead of where they were, and connects to a port. */
    static final class Clocks {
        public static void main(String[] args) throws Exception {
            long wall = WallClock.REAL.millis();
            long monotonic = System.nanoTime();
            System.out.println("ready");
            while (System.in.read() >= 0) {
                long wallSeconds = (WallClock.REAL.millis() - wall) / 1_000;
                long monotonicSeconds = (System.nanoTime() - monotonic) / 1_000_000_000L;
                try (Socket unused = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(args[0]))) {
                    System.out.println(wallSeconds + " " + monotonicSeconds);
                }
            }
        }
    }

    @Test
    void the_wall_clock_of_a_jvm_jumps_and_its_monotonic_clock_does_not() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            Map<String, String> environment = shim.environment("jvm", InetAddress.getByName("127.0.1.9"));
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp",
                    System.getProperty("java.class.path"),
                    Clocks.class.getName(),
                    Integer.toString(server.getLocalPort())));
            Path errors = folder.resolve("errors");
            ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
            builder.environment().putAll(environment);
            Process jvm = builder.start();
            try (var answers = jvm.inputReader();
                    var questions = jvm.outputWriter()) {
                String first = answers.readLine();
                assertThat(first).as(Files.readString(errors)).isEqualTo("ready");
                shim.move("jvm", Duration.ofHours(1).toSeconds());
                questions.write("?");
                questions.flush();
                try (Socket client = server.accept()) {
                    assertThat(client.getInetAddress().getHostAddress()).isEqualTo("127.0.1.9");
                }
                String[] clocks = answers.readLine().split(" ");
                assertThat(Long.parseLong(clocks[0])).isBetween(3_600L, 3_660L);
                assertThat(Long.parseLong(clocks[1])).isLessThan(60);
            } finally {
                jvm.destroyForcibly();
            }
        }
    }
}

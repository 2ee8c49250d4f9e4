package io.hapax.benchmarks.faults.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.benchmarks.harness.ChildJvm;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A JVM of its own, with the options of the workers. */
@Tag("slow")
class SafepointPauseTest {

    /** Stands still for as long as it is told, and says how long another thread did not run. */
    static final class Paused {
        private static final AtomicLong TICKS = new AtomicLong();
        private static volatile long longestGap;

        public static void main(String[] args) throws Exception {
            SafepointPause.warmUp();
            Thread ticking = new Thread(Paused::tick);
            ticking.setDaemon(true);
            ticking.start();
            System.out.println("ready");
            SafepointPause.pause(Long.parseLong(args[0]));
            // Until the other thread has had a processor again.
            long seen = TICKS.get();
            while (TICKS.get() < seen + 2) {
                Thread.sleep(10);
            }
            System.out.println(TimeUnit.NANOSECONDS.toMillis(longestGap));
        }

        private static void tick() {
            long last = System.nanoTime();
            while (true) {
                long now = System.nanoTime();
                longestGap = Math.max(longestGap, now - last);
                last = now;
                TICKS.incrementAndGet();
                try {
                    Thread.sleep(1);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }
    }

    @TempDir
    private Path folder;

    @Test
    void other_threads_stand_still_meanwhile() throws Exception {
        List<String> options = new ArrayList<>(FaultWorker.jvmOptions(folder.resolve("compiler.json")));
        // The optimising compiler has to be through before the pause, however busy the machine is.
        options.addAll(List.of("-Xmx64m", "-Xbatch"));
        try (ChildJvm jvm = ChildJvm.start(Paused.class, options, errors(), "3000")) {
            assertThat(Long.parseLong(jvm.read())).isGreaterThan(500);
        }
    }

    @Test
    void a_jvm_that_would_not_stand_still_is_refused() {
        assertThatThrownBy(() -> ChildJvm.start(Paused.class, List.of("-XX:TieredStopAtLevel=1"), errors(), "10"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("ended too early");
        assertThat(folder.resolve("errors")).content().contains("does not stand still; start it with jvmOptions");
    }

    /** Nothing but what failed belongs on the console. */
    private ProcessBuilder.Redirect errors() {
        return ProcessBuilder.Redirect.to(folder.resolve("errors").toFile());
    }
}

package io.hapax.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** CPU time of processes, as Linux counts it in {@code /proc} (proc(5): utime, stime, cutime, cstime). */
final class ProcessCpu {

    /** Of most kernels; sysconf(_SC_CLK_TCK). */
    private static final double TICKS_PER_SECOND = 100;

    private static final int PARENT = 1;
    private static final int UTIME = 11;

    private ProcessCpu() {}

    static double ofThisProcess() {
        return ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .orElseThrow(() -> new IllegalStateException("the CPU time of this process is not known"))
                        .toNanos()
                / 1e9;
    }

    /** The parent of a process. */
    static long parentOf(long pid) {
        return Long.parseLong(fields(pid).get(PARENT));
    }

    /** A process with its children, those that have ended included. */
    static double ofTree(long root) {
        List<String> own = fields(root);
        double ticks = sum(own, UTIME, UTIME + 3);
        try (Stream<ProcessHandle> children =
                ProcessHandle.of(root).map(ProcessHandle::children).orElseGet(Stream::empty)) {
            ticks += children.mapToDouble(child -> sum(fields(child.pid()), UTIME, UTIME + 1))
                    .sum();
        }
        return ticks / TICKS_PER_SECOND;
    }

    private static double sum(List<String> fields, int from, int to) {
        double sum = 0;
        for (int i = from; i <= to && i < fields.size(); i++) {
            sum += Double.parseDouble(fields.get(i));
        }
        return sum;
    }

    /** What follows the name, which may contain blanks. */
    private static List<String> fields(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" "));
        } catch (IOException ended) {
            return List.of();
        }
    }
}

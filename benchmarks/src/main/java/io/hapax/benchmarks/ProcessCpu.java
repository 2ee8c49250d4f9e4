package io.hapax.benchmarks;

import io.hapax.testkit.EmbeddedDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;

/** CPU time of processes, as Linux counts it in {@code /proc} (proc(5): utime, stime, cutime, cstime). */
public final class ProcessCpu {

    /** Of most kernels; sysconf(_SC_CLK_TCK). */
    private static final double TICKS_PER_SECOND = 100;

    private static final int PARENT = 1;
    private static final int UTIME = 11;
    private static final int CUTIME = 13;

    private ProcessCpu() {}

    /**
     * Measures this process.
     *
     * @return seconds of CPU
     */
    public static double ofThisProcess() {
        return ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .orElseThrow(() -> new IllegalStateException("the CPU time of this process is not known"))
                        .toNanos()
                / 1e9;
    }

    private static long parentOf(long pid) {
        return Long.parseLong(fields(pid).get(PARENT));
    }

    /**
     * Measures a process with its children, those that have ended included.
     *
     * @param root the id of the process
     * @return seconds of CPU
     */
    public static double ofTree(long root) {
        double before;
        double ended = sum(fields(root), CUTIME, CUTIME + 1);
        double living;
        do {
            before = ended;
            living = ofChildren(root);
            List<String> own = fields(root);
            living += sum(own, UTIME, UTIME + 1);
            ended = sum(own, CUTIME, CUTIME + 1);
            // A child that ended in between may be missing in one of the sums.
        } while (ended != before);
        return (living + ended) / TICKS_PER_SECOND;
    }

    private static double ofChildren(long root) {
        try (Stream<ProcessHandle> children =
                ProcessHandle.of(root).map(ProcessHandle::children).orElseGet(Stream::empty)) {
            return children.mapToDouble(child -> sum(fields(child.pid()), UTIME, UTIME + 1))
                    .sum();
        }
    }

    /**
     * Measures the compilers of a JVM, whose work is a matter of its age.
     *
     * @param pid the id of the process
     * @return seconds of CPU
     */
    public static double ofCompiler(long pid) {
        try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            return threads.map(thread -> content(thread.resolve("stat")))
                            .filter(stat -> stat.contains("(C1 Compiler") || stat.contains("(C2 Compiler"))
                            .mapToDouble(stat -> sum(fields(stat), UTIME, UTIME + 1))
                            .sum()
                    / TICKS_PER_SECOND;
        } catch (IOException ended) {
            return 0;
        }
    }

    /**
     * Measures the whole machine: all that was not idle.
     *
     * @return seconds, summed over the cores
     */
    public static double ofMachine() {
        String[] all = content(Path.of("/proc/stat"))
                .lines()
                .findFirst()
                .orElse("")
                .trim()
                .split(" +", -1);
        double ticks = 0;
        for (int n = 1; n <= 8 && n < all.length; n++) {
            // Fields 4 and 5 are idle and waiting for disks.
            ticks += n == 4 || n == 5 ? 0 : Double.parseDouble(all[n]);
        }
        return ticks / TICKS_PER_SECOND;
    }

    /**
     * Finds the process whose children are all of PostgreSQL.
     *
     * @param database the server
     * @return the id of the postmaster
     * @throws SQLException if it does not answer
     */
    public static long postmaster(EmbeddedDatabase database) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery("SELECT pg_backend_pid()")) {
            row.next();
            return parentOf(row.getLong(1));
        }
    }

    /**
     * Measures how long the first thread of a process could have run but had no processor.
     *
     * @param pid the id of the process
     * @return seconds; 0 where the kernel does not count them
     */
    public static double waitedBy(long pid) {
        String[] times = content(Path.of("/proc", Long.toString(pid), "schedstat"))
                .strip()
                .split(" ", 3);
        return times.length < 3 ? 0 : Double.parseDouble(times[1]) / 1e9;
    }

    private static double sum(List<String> fields, int from, int to) {
        double sum = 0;
        for (int i = from; i <= to && i < fields.size(); i++) {
            sum += Double.parseDouble(fields.get(i));
        }
        return sum;
    }

    private static List<String> fields(long pid) {
        return fields(content(Path.of("/proc", Long.toString(pid), "stat")));
    }

    /** What follows the name, which may contain blanks. */
    private static List<String> fields(String stat) {
        return stat.isEmpty()
                ? List.of()
                : List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1));
    }

    /** Empty if the process or thread has ended. */
    private static String content(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException ended) {
            return "";
        }
    }
}

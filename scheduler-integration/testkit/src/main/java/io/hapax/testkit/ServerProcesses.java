package io.hapax.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** What embedded servers need of the operating system: ports, signals, temporary folders, an end with the JVM. */
final class ServerProcesses {

    /** Below the range that Linux and macOS use for outgoing connections, so that a stopped server keeps its port. */
    private static final int FIRST_PORT = 20_000;

    private static final int PORTS = 12_000;
    /** Each process has a part of its own, so that no other one takes the port of a server that is stopped for a while. */
    private static final int PARTS = 24;

    private static final int PORTS_EACH = PORTS / PARTS;
    private static final int PORT_ATTEMPTS = 100;
    private static final int SIGNAL_SECONDS = 30;
    private static final long REAP_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** A file system in memory, on Linux. Containers often have but 64 MB there. */
    private static final Path MEMORY = Path.of("/dev/shm");

    private static final long LEAST_MEMORY_BYTES = 1L << 30;

    private static final Set<Runnable> AT_EXIT = new LinkedHashSet<>();
    private static boolean exiting;

    private static final int FIRST_OWN_PORT = FIRST_PORT + ownPart() * PORTS_EACH;
    /** In turn, as those of servers that were stopped are not to be taken here, either. */
    private static final AtomicInteger NEXT =
            new AtomicInteger(ThreadLocalRandom.current().nextInt(PORTS_EACH));

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(ServerProcesses::exit, "embedded-servers-exit"));
    }

    private ServerProcesses() {}

    /** Runs an action when the JVM ends, last come first, unless {@link #notAtExit} is called; refuses if it is late. */
    static void atExit(Runnable action) {
        synchronized (AT_EXIT) {
            if (exiting) {
                throw new IllegalStateException("the JVM is ending; no server is started any more");
            }
            AT_EXIT.add(action);
        }
    }

    static void notAtExit(Runnable action) {
        synchronized (AT_EXIT) {
            AT_EXIT.remove(action);
        }
    }

    static int freePort() {
        for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
            int port = FIRST_OWN_PORT + Math.floorMod(NEXT.getAndIncrement(), PORTS_EACH);
            if (isFree(port)) {
                return port;
            }
        }
        throw new IllegalStateException("no free port among " + PORT_ATTEMPTS + " tried from " + FIRST_OWN_PORT + " to "
                + (FIRST_OWN_PORT + PORTS_EACH) + "; stop servers that were left behind");
    }

    /** One that no other process has; where there is none, one that others may have as well. */
    private static int ownPart() {
        int first = Math.floorMod(ProcessHandle.current().pid(), PARTS);
        for (int n = 0; n < PARTS; n++) {
            int part = (first + n) % PARTS;
            if (isTaken(part)) {
                return part;
            }
        }
        return first;
    }

    /** Takes a part for as long as this process lives, by a port below all parts, unless another one has. */
    private static boolean isTaken(int part) {
        try {
            ServerSocket taken = new ServerSocket(FIRST_PORT - 1 - part, 1, InetAddress.getLoopbackAddress());
            atExit(() -> close(taken));
            return true;
        } catch (IOException anothers) {
            return false;
        }
    }

    private static void close(ServerSocket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException taken) {
            return false;
        }
    }

    /** Sends a signal; children of a server may have ended meanwhile, which is no failure. */
    static void signal(String signal, ProcessHandle process) {
        tell(process, "kill", "-" + signal, String.valueOf(process.pid()));
    }

    /** Runs a command that does something to a process, which may have ended meanwhile. */
    static void tell(ProcessHandle process, String... words) {
        String command = String.join(" ", words);
        try {
            Process kill = new ProcessBuilder(words)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            boolean done = kill.waitFor(SIGNAL_SECONDS, TimeUnit.SECONDS) && kill.exitValue() == 0;
            if (!done && process.isAlive()) {
                throw new IllegalStateException("'" + command + "' failed; may this user signal the server?");
            }
        } catch (IOException e) {
            throw new UncheckedIOException("'" + command + "' could not be run", e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** Kills at once, also frozen processes, and waits until they have ended. */
    static void kill(List<ProcessHandle> processes) {
        processes.forEach(ProcessHandle::destroyForcibly);
        long start = System.nanoTime();
        for (ProcessHandle process : processes) {
            while (process.isAlive()) {
                long elapsed = System.nanoTime() - start;
                if (elapsed > REAP_NANOS && isZombie(process)) {
                    break;
                }
                if (elapsed > TimeUnit.SECONDS.toNanos(SIGNAL_SECONDS)) {
                    throw new IllegalStateException("process " + process.pid() + " did not end after SIGKILL");
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
            }
        }
    }

    /** In a container whose first process reaps nobody, a dead orphan stays a zombie for ever. */
    private static boolean isZombie(ProcessHandle process) {
        try {
            String stat = Files.readString(Path.of("/proc", String.valueOf(process.pid()), "stat"));
            return stat.startsWith(") Z", stat.lastIndexOf(')'));
        } catch (IOException notLinuxOrEndedJustNow) {
            return false;
        }
    }

    /** Where servers keep their data; {@code hapax.testkit.folder} or {@code HAPAX_TESTKIT_FOLDER} names another place. */
    static Path temporaryFolder(String prefix) {
        Path parent = parentOfFolders();
        try {
            return Files.createTempDirectory(parent, prefix);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "no folder could be created in " + parent + "; hapax.testkit.folder names another place", e);
        }
    }

    /**
     * In memory, if there is room: on a disk, whatever else is written at the moment lets each fsync of a server wait, for
     * hundreds of milliseconds on a busy machine. Folders survive a killed server in memory, too.
     */
    private static Path parentOfFolders() {
        String named = Settings.read("hapax.testkit.folder", "HAPAX_TESTKIT_FOLDER");
        if (named != null) {
            return Path.of(named);
        }
        boolean fits = Files.isWritable(MEMORY) && MEMORY.toFile().getUsableSpace() >= LEAST_MEMORY_BYTES;
        return fits ? MEMORY : Path.of(System.getProperty("java.io.tmpdir"));
    }

    /** Deletes what can be deleted; a leftover in the temporary folder is no reason to fail. */
    static void delete(Path folder) {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | UncheckedIOException leftOver) {
            folder.toFile().deleteOnExit();
        }
    }

    static void deleteContents(Path folder) {
        try (Stream<Path> children = Files.list(folder)) {
            children.toList().forEach(ServerProcesses::delete);
        } catch (IOException e) {
            throw new UncheckedIOException("the folder " + folder + " could not be emptied", e);
        }
    }

    static String tail(Path log) {
        try {
            String text = Files.readString(log, StandardCharsets.UTF_8);
            return text.substring(Math.max(0, text.length() - 2_000));
        } catch (IOException e) {
            return "(no log at " + log + ")";
        }
    }

    static IllegalStateException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IllegalStateException("interrupted while waiting for an embedded server", e);
    }

    private static void exit() {
        List<Runnable> actions;
        synchronized (AT_EXIT) {
            exiting = true;
            actions = List.copyOf(AT_EXIT);
        }
        for (int i = actions.size() - 1; i >= 0; i--) {
            try {
                actions.get(i).run();
            } catch (RuntimeException e) {
                System.err.println("an embedded server was left behind: " + e);
            }
        }
    }
}

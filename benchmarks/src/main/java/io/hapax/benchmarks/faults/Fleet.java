package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.World;
import io.hapax.benchmarks.faults.work.FaultWorker;
import io.hapax.testkit.WallClock;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Three worker processes of one contender, which are killed, frozen, and started again. Used by one thread. */
final class Fleet implements Closeable {

    static final List<String> WORKERS = List.of("alice", "bob", "carol");

    /** JobRunr alone is alone: the adapter of Hapax would refuse to run without a guard. */
    private static final Pattern ADAPTER = Pattern.compile("hapax-jobrunr|scheduler-integration.jobrunr");

    private static final int ENDING_SECONDS = 10;

    /** Where many others want the processors, a JVM takes its time. */
    private static final int STARTING_MINUTES = 5;

    /** How many may run at once on the lock key for several. */
    static final int LIMIT = 3;

    static final int SMALL_LIMIT = 1;
    private static final int NO_PLACES = 0;

    private final Contender contender;
    private final FleetServers servers;
    private final Broker broker;
    private final World world;
    private final int observer;
    private final @Nullable Shim shim;
    private final Path logs;
    private final Map<String, Process> processes = new ConcurrentHashMap<>();
    /** Those that were killed or asked to end, or whose death is counted. */
    private final Set<Process> killed = ConcurrentHashMap.newKeySet();

    private final Map<String, Integer> deaths = new ConcurrentHashMap<>();
    private volatile int limit;
    private String firstStart = WallClock.now().toString();

    Fleet(
            Contender contender,
            FleetServers servers,
            Broker broker,
            World world,
            int observer,
            @Nullable Shim shim,
            Path logs,
            boolean hasPlaces) {
        this.contender = contender;
        this.servers = servers;
        this.broker = broker;
        this.world = world;
        this.observer = observer;
        this.shim = shim;
        this.logs = logs;
        this.limit = hasPlaces ? LIMIT : NO_PLACES;
        // A frozen worker would not notice that everybody else is gone.
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "fleet-end"));
    }

    /** Where the connections of a worker come from. */
    static InetAddress addressOf(String worker) throws IOException {
        return InetAddress.getByAddress(new byte[] {127, 0, 1, (byte) (1 + WORKERS.indexOf(worker))});
    }

    void start() throws IOException, InterruptedException {
        for (String worker : WORKERS) {
            start(worker);
        }
        firstStart = "";
        for (String worker : WORKERS) {
            awaitUp(worker);
        }
    }

    /** Starts a worker's process; it is up somewhat later. */
    void start(String worker) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                // A worker lives for seconds to minutes: what a better compiler would spend, others need.
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-cp",
                classPath(),
                FaultWorker.class.getName(),
                "contender=" + contender.label(),
                "worker=" + worker,
                "observer=" + observer,
                "orders=" + broker.port(),
                "limit=" + limit,
                "firstStart=" + firstStart));
        command.addAll(servers.settings(worker));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log(worker)));
        if (shim != null) {
            builder.environment()
                    .putAll(
                            servers.hasDoors()
                                    ? shim.environment(worker, addressOf(worker))
                                    : shim.environment(worker));
        }
        processes.put(worker, builder.start());
    }

    private String classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> contender != Contender.JOBRUNR
                        || !ADAPTER.matcher(entry).find())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private File log(String worker) {
        return logs.resolveSibling(logs.getFileName() + "-" + worker + ".log").toFile();
    }

    /** It is started again if it ends, as by a supervisor, but not for ever. */
    void awaitUp(String worker) throws IOException, InterruptedException {
        long start = System.nanoTime();
        while (!broker.isUp(worker)) {
            if (System.nanoTime() - start > TimeUnit.MINUTES.toNanos(STARTING_MINUTES)) {
                throw new IllegalStateException("worker " + worker + " of " + contender.label() + " is not up after "
                        + STARTING_MINUTES + " minutes; see " + log(worker));
            }
            if (!process(worker).isAlive()) {
                diedByItself(worker);
                start(worker);
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private void diedByItself(String worker) {
        world.tell(EventType.KILL, worker);
        Process ended = process(worker);
        if (killed.add(ended)) {
            deaths.merge(worker + " with code " + ended.exitValue(), 1, Integer::sum);
        }
    }

    /** How often which worker has ended with which code that nobody has killed; empty if none has. */
    Map<String, Integer> deaths() {
        return new TreeMap<>(deaths);
    }

    /** Starts again whatever has died: of a fault, or by itself, as a supervisor does. */
    void revive() throws IOException {
        for (String worker : WORKERS) {
            if (!process(worker).isAlive()) {
                diedByItself(worker);
                start(worker);
            }
        }
    }

    /** What workers state that are started from now on. */
    void stateLimit(int places) {
        limit = places;
    }

    void kill(String worker) throws InterruptedException {
        world.tell(EventType.KILL, worker);
        killed.add(process(worker));
        process(worker).destroyForcibly().waitFor();
    }

    void terminate(String worker) throws InterruptedException {
        Process process = process(worker);
        killed.add(process);
        process.destroy();
        if (!process.waitFor(ENDING_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        world.tell(EventType.KILL, worker);
    }

    /** As an operator does with a process that is in an odd state. */
    void restart(String worker) throws IOException, InterruptedException {
        kill(worker);
        start(worker);
    }

    void freeze(String worker) throws IOException, InterruptedException {
        signal("STOP", worker);
        world.tell(EventType.STOP, worker);
    }

    void thaw(String worker) throws IOException, InterruptedException {
        world.tell(EventType.CONTINUE, worker);
        signal("CONT", worker);
    }

    /** Moves the wall clock of a worker; false where that cannot be done. */
    boolean moveClock(String worker, long seconds) throws IOException {
        if (shim == null) {
            return false;
        }
        shim.move(worker, seconds);
        return true;
    }

    private void signal(String signal, String worker) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder(
                        "kill", "-" + signal, Long.toString(process(worker).pid()))
                .inheritIO()
                .start();
        if (kill.waitFor() != 0) {
            throw new IOException("kill -" + signal + " of " + worker + " failed");
        }
    }

    private Process process(String worker) {
        Process process = processes.get(worker);
        if (process == null) {
            throw new IllegalArgumentException("no worker " + worker);
        }
        return process;
    }

    /** Asks all workers to end, as at a deployment. */
    void stop() throws InterruptedException {
        processes.values().forEach(Process::destroy);
        for (Process process : processes.values()) {
            if (!process.waitFor(ENDING_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        }
    }

    @Override
    public void close() {
        processes.values().forEach(Process::destroyForcibly);
    }
}

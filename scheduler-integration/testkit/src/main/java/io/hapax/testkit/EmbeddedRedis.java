package io.hapax.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A real redis-server, as a process of its own that tests can kill, freeze and restart.
 *
 * <p>By default it listens on 127.0.0.1 only and keeps nothing on disk. It ends with the JVM at the latest. Where the
 * environment variable {@code REDIS_URL} or the system property {@code hapax.redis.url} is set, {@link #shared()} is
 * that server; then whatever breaks a server throws {@link UnsupportedOperationException}. The environment variable
 * {@code REDIS_SERVER} or the system property {@code hapax.redis.server} names another executable than the one of Redis
 * 7.0 that comes along. Thread-safe.
 */
public final class EmbeddedRedis implements AutoCloseable {

    private static final int START_ATTEMPTS = 5;
    private static final Pattern CALLS = Pattern.compile("cmdstat_([^:]+):calls=(\\d+)");
    /** Static binaries say it in other words. */
    private static final Pattern IN_USE = Pattern.compile("Address (already )?in use");

    private static final Object SHARING = new Object();
    private static @Nullable EmbeddedRedis shared;

    private final Object lock = new Object();
    private final RedisAddress address;
    private final @Nullable Path folder;
    private final List<String> arguments;
    private final Map<String, String> environment;
    private final Runnable atExit = this::remove;

    private @Nullable RedisProcess process;
    private volatile @Nullable String password;

    private EmbeddedRedis(
            RedisAddress address, @Nullable Path folder, List<String> arguments, Map<String, String> environment) {
        this.address = address;
        this.folder = folder;
        this.arguments = arguments;
        this.environment = environment;
        this.password = address.password();
    }

    /**
     * Starts a server on a free port.
     *
     * @param arguments further arguments of redis-server, such as {@code "--appendonly", "yes"}; they win over the
     *     defaults. After {@code --requirepass}, {@link #command} uses that password
     * @return the server, ready to answer
     * @throws IllegalStateException if it does not start; the message has the end of its log
     */
    public static EmbeddedRedis start(String... arguments) {
        return start(Map.of(), arguments);
    }

    /**
     * Starts a server on a free port, with environment variables of its own.
     *
     * @param environment added to those of this process, such as {@code LD_PRELOAD}; the server that comes along is linked
     *     statically, so what is to be loaded first needs a redis-server of the system, see {@code REDIS_SERVER}
     * @param arguments as of {@link #start(String...)}
     * @return the server, ready to answer
     * @throws IllegalStateException if it does not start; the message has the end of its log
     */
    public static EmbeddedRedis start(Map<String, String> environment, String... arguments) {
        IllegalStateException failure = new IllegalStateException("redis-server did not start");
        for (int attempt = 0; attempt < START_ATTEMPTS; attempt++) {
            try {
                return startOn(ServerProcesses.freePort(), List.of(arguments), Map.copyOf(environment));
            } catch (IllegalStateException e) {
                failure = e;
                if (!isPortTaken(e)) {
                    break;
                }
            }
        }
        throw failure;
    }

    static boolean isPortTaken(IllegalStateException notStarted) {
        return IN_USE.matcher(String.valueOf(notStarted.getMessage())).find();
    }

    /**
     * Returns the server that all tests of this JVM share. Tests keep apart by random keys, and leave it running.
     *
     * @return the server of {@code REDIS_URL} or {@code hapax.redis.url}, else an embedded one
     */
    public static EmbeddedRedis shared() {
        synchronized (SHARING) {
            EmbeddedRedis present = shared;
            if (present == null) {
                String url = Settings.read("hapax.redis.url", "REDIS_URL");
                present = url == null ? start() : external(url);
                shared = present;
            }
            return present;
        }
    }

    /**
     * Stands for a server that somebody else runs.
     *
     * @param url its address, {@code redis://[user:password@]host[:port]} or {@code rediss://…}
     * @return the server, which cannot be stopped, killed or frozen
     * @throws IllegalArgumentException if the address has another form
     */
    public static EmbeddedRedis external(String url) {
        return new EmbeddedRedis(RedisAddress.parse(url), null, List.of(), Map.of());
    }

    /**
     * Returns the address.
     *
     * @return {@code redis://127.0.0.1:port} without credentials, or the address of the external server as it was given
     */
    public String url() {
        return address.url();
    }

    /**
     * Returns the port.
     *
     * @return the port, the same for the server's whole life
     */
    public int port() {
        return address.port();
    }

    /**
     * Returns the process id of the present life.
     *
     * @return the process id
     * @throws IllegalStateException if the server does not run
     */
    public long pid() {
        return running("asked for its process id").pid();
    }

    /** Stops the server as an administrator does; it saves what it is configured to save. Stopping again does nothing. */
    public void stop() {
        own("stopped");
        synchronized (lock) {
            if (process != null && process.isAlive()) {
                process.signal("CONT");
                process.stop();
            }
            process = null;
        }
    }

    /** Kills the server with SIGKILL. Killing again does nothing. */
    public void kill() {
        own("killed");
        synchronized (lock) {
            if (process != null) {
                process.kill();
            }
            process = null;
        }
    }

    /** Stops the server's time with SIGSTOP: connections stay open, nothing is answered. */
    public void freeze() {
        running("frozen").signal("STOP");
    }

    /** Lets a frozen server go on. */
    public void thaw() {
        running("thawed").signal("CONT");
    }

    /** Starts the server again on the same port with the same folder; stops it before, if it runs. */
    public void restart() {
        Path own = own("restarted");
        synchronized (lock) {
            stop();
            process = RedisProcess.start(port(), own, arguments, environment);
        }
    }

    /** Starts the server again on the same port with nothing in its folder; kills it before, if it runs. */
    public void restartEmpty() {
        Path own = own("restarted empty");
        synchronized (lock) {
            kill();
            ServerProcesses.deleteContents(own);
            process = RedisProcess.start(port(), own, arguments, environment);
        }
    }

    /**
     * Sets the password for later calls of {@link #command}, such as after {@code CONFIG SET requirepass}.
     *
     * @param password the password of the default user, or null for none
     */
    public void authenticate(@Nullable String password) {
        this.password = password;
    }

    /**
     * Sends one command over a connection of its own.
     *
     * @param words the command and its arguments
     * @return the answer as text: lists one item a line, nil as {@code (nil)}
     * @throws IllegalStateException if Redis answers with an error
     * @throws UncheckedIOException if Redis does not answer within 10 s
     */
    public String command(String... words) {
        try (RespConnection connection = address.connect()) {
            String secret = password;
            if (secret != null) {
                checked(connection, "AUTH", address.user(), secret);
            }
            return checked(connection, words);
        } catch (IOException e) {
            throw new UncheckedIOException("Redis on port " + port() + " did not answer " + words[0], e);
        }
    }

    /** Whether it answers at once: it runs, and is not frozen. */
    boolean answers() {
        try (RespConnection connection = new RespConnection(address.host(), address.port(), false, 1000)) {
            return connection.call("PING").length() > 0;
        } catch (IOException deadOrFrozen) {
            return false;
        }
    }

    /**
     * Counts the commands served since the start or {@code CONFIG RESETSTAT}.
     *
     * @return the number of calls by command in lower case, such as {@code evalsha} or {@code config|get}
     */
    public Map<String, Long> commandStats() {
        Map<String, Long> calls = new TreeMap<>();
        Matcher matcher = CALLS.matcher(command("INFO", "commandstats"));
        while (matcher.find()) {
            calls.put(matcher.group(1), Long.valueOf(matcher.group(2)));
        }
        return calls;
    }

    /** Kills the server and deletes its folder. An external server is left alone. */
    @Override
    public void close() {
        if (folder != null) {
            remove();
            ServerProcesses.notAtExit(atExit);
        }
    }

    private static EmbeddedRedis startOn(int port, List<String> arguments, Map<String, String> environment) {
        Path folder = ServerProcesses.temporaryFolder("hapax-redis");
        EmbeddedRedis redis = new EmbeddedRedis(RedisAddress.local(port), folder, arguments, environment);
        int secret = arguments.indexOf("--requirepass") + 1;
        if (secret > 0) {
            redis.authenticate(arguments.get(secret));
        }
        try {
            ServerProcesses.atExit(redis.atExit);
            redis.restart();
            return redis;
        } catch (RuntimeException e) {
            redis.close();
            throw e;
        }
    }

    private void remove() {
        kill();
        ServerProcesses.delete(own("removed"));
    }

    private Path own(String what) {
        if (folder == null) {
            throw new UnsupportedOperationException(
                    "the Redis of REDIS_URL or hapax.redis.url is not ours and cannot be " + what
                            + "; use EmbeddedRedis.start() for tests that break a server");
        }
        return folder;
    }

    private RedisProcess running(String what) {
        own(what);
        synchronized (lock) {
            if (process == null) {
                throw new IllegalStateException("Redis on port " + port() + " does not run and cannot be " + what);
            }
            return process;
        }
    }

    private static String checked(RespConnection connection, String... words) throws IOException {
        String answer = connection.call(words);
        if (connection.refused()) {
            throw new IllegalStateException("Redis refused " + words[0] + ": " + answer.substring(1));
        }
        return answer;
    }
}

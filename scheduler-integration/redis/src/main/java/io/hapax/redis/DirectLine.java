package io.hapax.redis;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/** A connection that whoever sends on it also reads from. Not thread-safe. */
final class DirectLine {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    /** Opens connections; an unchecked exception of Jedis says why not. */
    interface Opening {
        Flushing open();
    }

    /** Jedis sends what was written when somebody reads; here somebody else will. */
    static final class Flushing extends Connection {

        Flushing(HostAndPort server, JedisClientConfig config) {
            super(server, config);
        }

        @Override
        protected void flush() {
            super.flush();
        }
    }

    private final Opening opening;
    private @Nullable Flushing connection;

    DirectLine(Opening opening) {
        this.opening = opening;
    }

    /** Sends the requests of a batch; an exception of Jedis says why it cannot. */
    void send(Batch batch) {
        send(Command.EVALSHA, Script.EXCHANGE.sha(), batch);
    }

    /** Reads the script's answers to what was sent last; an exception of Jedis says why there are none. */
    List<?> read(Batch batch) {
        try {
            return answers();
        } catch (JedisNoScriptException flushed) {
            send(Command.EVAL, Script.EXCHANGE.text(), batch);
            return answers();
        }
    }

    private void send(Command command, String script, Batch batch) {
        Flushing open = open();
        open.sendCommand(new ScriptWords(command, script, batch.keys(), batch.arguments()));
        open.flush();
    }

    private Flushing open() {
        Flushing open = connection;
        if (open == null) {
            open = opening.open();
            connection = open;
        }
        return open;
    }

    private List<Object> answers() {
        List<?> raw = (List<?>) open().getOne();
        List<Object> answers = new ArrayList<>(raw.size());
        for (Object answer : raw) {
            answers.add(text(answer));
        }
        return answers;
    }

    private static Object text(Object answer) {
        return answer instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : answer;
    }

    /** The next batch opens another connection. */
    void close() {
        Flushing open = connection;
        connection = null;
        if (open != null) {
            try {
                open.close();
            } catch (RuntimeException alreadyBroken) {
                LOG.debug("a direct connection to Redis could not be closed: {}", alreadyBroken.toString());
            }
        }
    }
}

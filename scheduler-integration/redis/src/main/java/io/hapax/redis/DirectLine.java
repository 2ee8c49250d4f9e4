package io.hapax.redis;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/** A connection on which the sender of a request also reads the answer. Not thread-safe. */
final class DirectLine {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    /** Opens connections; an unchecked exception of Jedis says why not. */
    interface Opening {
        Flushing open();
    }

    /** Jedis sends what was written when somebody reads, and connects again when somebody sends; here somebody else will. */
    static final class Flushing extends Connection {

        /** Without a value, as it is set while the superclass is created. */
        private boolean wasOpened;

        Flushing(HostAndPort server, JedisClientConfig config) {
            super(server, config);
        }

        @Override
        public void connect() {
            if (!wasOpened) {
                super.connect();
                wasOpened = true;
            } else if (!isConnected()) {
                throw new JedisConnectionException("this connection was closed");
            }
        }

        @Override
        protected void flush() {
            super.flush();
        }
    }

    /**
     * What was asked in the portable protocol.
     *
     * @param meant who was taken for the server
     */
    private record Asked(PortableCalls calls, PortableCalls.Words words, Identity identity, String tag, String meant) {}

    private final Opening opening;
    /** Null if it was the full protocol. */
    private @Nullable Asked asked;

    /** Null if {@code exchange.lua} was asked. */
    private Request.@Nullable Alone alone;

    private @Nullable Flushing connection;

    DirectLine(Opening opening) {
        this.opening = opening;
    }

    /** Sends the requests of a batch; an exception of Jedis says why it cannot. */
    void send(Batch batch) {
        alone = batch.alone();
        if (alone != null) {
            asked = null;
            send(Command.EVALSHA, alone.script().sha(), alone.keys(), alone.arguments());
            return;
        }
        sendShared(batch);
    }

    private void sendShared(Batch batch) {
        ScriptCalls scripts = batch.namespace().scripts();
        Dialect dialect = scripts.known();
        if (dialect == null || dialect.isFull()) {
            asked = null;
            send(Command.EVALSHA, Script.EXCHANGE.sha(), batch.keys(), batch.arguments());
            return;
        }
        String tag = DeclaredKeys.tag((String) batch.keys().get(0));
        String meant = scripts.portable().identity(tag);
        if (meant.isEmpty()) {
            throw new IllegalStateException("nobody has asked yet who the server is");
        }
        Asked question = new Asked(
                scripts.portable(),
                scripts.portable().words(Script.EXCHANGE, batch.keys(), batch.arguments(), meant),
                Objects.requireNonNull(dialect.identity()),
                tag,
                meant);
        asked = question;
        send(Command.EVALSHA, Script.EXCHANGE.sha(Protocol.PORTABLE), question);
    }

    /** Reads the script's answers to what was sent last; an exception of Jedis says why there are none. */
    List<?> read(Batch batch) {
        Request.Alone one = alone;
        if (one == null) {
            return readShared(batch);
        }
        List<?> answers = answers(one);
        if (!batch.isLeft(one, answers)) {
            return answers;
        }
        sendShared(batch);
        return readShared(batch);
    }

    private List<?> answers(Request.Alone one) {
        try {
            return answers();
        } catch (JedisNoScriptException flushed) {
            send(Command.EVAL, one.script().text(), one.keys(), one.arguments());
            return answers();
        }
    }

    private List<?> readShared(Batch batch) {
        Asked question = asked;
        try {
            return question == null ? answers() : answers(question);
        } catch (JedisNoScriptException flushed) {
            if (question == null) {
                send(Command.EVAL, Script.EXCHANGE.text(), batch.keys(), batch.arguments());
                return answers();
            }
            send(Command.EVAL, Script.EXCHANGE.text(Protocol.PORTABLE), question);
            return answers(question);
        }
    }

    private void send(Command command, String script, List<Object> keys, List<Object> arguments) {
        Flushing open = open();
        open.sendCommand(new ScriptWords(command, script, keys, arguments));
        open.flush();
    }

    private void send(Command command, String script, Asked question) {
        Flushing open = open();
        open.sendCommand(new ScriptWords(
                command, script, question.words().keys(), question.words().arguments()));
        open.sendCommand(Command.INFO, question.identity().sections().toArray(String[]::new));
        open.flush();
    }

    /** The answers of the script, which count if the same server then says who it is. */
    private List<?> answers(Asked question) {
        List<?> answers = null;
        JedisDataException refused = null;
        try {
            answers = answers();
        } catch (JedisDataException e) {
            refused = e;
        }
        // To be read in any case, or it would be taken for the answer to the next question.
        String info = String.valueOf(text(open().getOne()));
        if (refused != null) {
            throw refused;
        }
        question.calls().heard(question.tag(), question.meant(), info);
        return Objects.requireNonNull(answers);
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
        close(takeConnection());
    }

    /** What is to be closed, if anything; the next batch opens another one. Needs no memory. */
    @Nullable
    Flushing takeConnection() {
        Flushing open = connection;
        connection = null;
        return open;
    }

    static void close(@Nullable Flushing open) {
        if (open != null) {
            try {
                open.close();
            } catch (RuntimeException alreadyBroken) {
                LOG.debug("a direct connection to Redis could not be closed: {}", alreadyBroken.toString());
            }
        }
    }
}

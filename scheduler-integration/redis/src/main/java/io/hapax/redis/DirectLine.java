package io.hapax.redis;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Connection;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/** A connection that whoever sends on it also reads from. Not thread-safe. */
final class DirectLine {

    /** Opens connections; an unchecked exception of Jedis says why not. */
    interface Opening {
        Connection open();
    }

    private final Opening opening;
    private @Nullable Connection connection;

    DirectLine(Opening opening) {
        this.opening = opening;
    }

    /** Returns the script's answers; an exception of Jedis says why there are none. */
    List<?> carryOut(Batch batch) {
        Connection open = connection;
        if (open == null) {
            open = opening.open();
            connection = open;
        }
        List<Object> keys = batch.keys();
        Object[] args = batch.arguments();
        try {
            return call(open, Command.EVALSHA, Script.EXCHANGE.sha(), keys, args);
        } catch (JedisNoScriptException flushed) {
            return call(open, Command.EVAL, Script.EXCHANGE.text(), keys, args);
        }
    }

    private static List<?> call(Connection open, Command command, String script, List<Object> keys, Object[] args) {
        CommandArguments words = new CommandArguments(command).add(script).add(keys.size());
        keys.forEach(words::add);
        words.addObjects(args);
        open.sendCommand(words);
        List<Object> answers = new ArrayList<>();
        for (Object answer : (List<?>) open.getOne()) {
            answers.add(text(answer));
        }
        return answers;
    }

    private static Object text(Object answer) {
        return answer instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : answer;
    }

    /** The next batch opens another connection. */
    void close() {
        Connection open = connection;
        connection = null;
        if (open != null) {
            open.close();
        }
    }
}

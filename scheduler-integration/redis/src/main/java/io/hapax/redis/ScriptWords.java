package io.hapax.redis;

import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.args.Rawable;

/**
 * The words of a call of a script. Each is encoded while it is written: the list that Jedis keeps would wrap every word, and
 * take a quarter of the memory of a run. Not thread-safe.
 */
final class ScriptWords extends CommandArguments {

    private final String script;
    private final List<Object> keys;
    private final List<Object> arguments;

    ScriptWords(Command command, String script, List<Object> keys, List<Object> arguments) {
        super(command);
        this.script = script;
        this.keys = keys;
        this.arguments = arguments;
    }

    /** The command, which the list has, the script, the number of keys, and what follows. */
    @Override
    public int size() {
        return 3 + keys.size() + arguments.size();
    }

    private Object word(int index) {
        return switch (index) {
            case 1 -> script;
            case 2 -> Integer.toString(keys.size());
            default -> {
                int further = index - 3;
                yield further < keys.size() ? keys.get(further) : arguments.get(further - keys.size());
            }
        };
    }

    @Override
    public Iterator<Rawable> iterator() {
        return new Words();
    }

    /** Its words are one object, which is the next word each time: Jedis writes a word before it asks for the next one. */
    private final class Words implements Iterator<Rawable>, Rawable {
        private int next;
        private byte[] raw = getCommand().getRaw();

        @Override
        public boolean hasNext() {
            return next < size();
        }

        @Override
        public Rawable next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            if (next > 0) {
                raw = word(next).toString().getBytes(StandardCharsets.UTF_8);
            }
            next++;
            return this;
        }

        @Override
        public byte[] getRaw() {
            return raw;
        }
    }
}

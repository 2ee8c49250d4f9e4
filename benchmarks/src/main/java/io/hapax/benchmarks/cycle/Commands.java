package io.hapax.benchmarks.cycle;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;

/** The commands with which a peer takes a lock and gives it back. */
interface Commands {

    /** What a server needs first if its script cache is empty. */
    List<String> scripts();

    /** Takes the lock. */
    Call take(String key, String owner);

    Call giveBack(String key, String owner);

    /** Fails if the answer to {@link #take} is not a grant. */
    void granted(Object answer);

    /** Fails if the answer to {@link #giveBack} is not that it was held. */
    void givenBack(Object answer);

    /** A call of a script, by its number in {@link #scripts()}; below 0 for SET NX PX. */
    record Call(int script, List<String> keys, List<String> args) {}

    static String owner() {
        return UUID.randomUUID().toString();
    }

    Commands SET = new Commands() {
        private static final String DELETE =
                "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

        @Override
        public List<String> scripts() {
            return List.of(DELETE);
        }

        @Override
        public Call take(String key, String owner) {
            return new Call(-1, List.of(key), List.of(owner, "NX", "PX", "30000"));
        }

        @Override
        public Call giveBack(String key, String owner) {
            return new Call(0, List.of(key), List.of(owner));
        }

        @Override
        public void granted(Object answer) {
            if (!"OK".equals(answer)) {
                throw new IllegalStateException("not granted: " + answer);
            }
        }

        @Override
        public void givenBack(Object answer) {
            if (!Long.valueOf(1).equals(answer)) {
                throw new IllegalStateException("not given back: " + answer);
            }
        }
    };

    Commands HAPAX = new HapaxCommands(false);

    static String resource(String file) {
        try (InputStream in = Commands.class.getResourceAsStream("/io/hapax/redis/" + file)) {
            if (in == null) {
                throw new IllegalStateException("no script " + file);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}

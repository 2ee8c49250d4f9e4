package io.hapax.benchmarks.handover;

import io.hapax.benchmarks.harness.RespConnection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.List;

/**
 * What a hand-over takes at least, whatever takes the key: a plain socket for commands and one for messages, both read by the thread that
 * needs what comes, and the shortest commands. It promises nothing: no token, no renewal, no time limit, no check of the server.
 */
final class Bare implements Contender {

    private static final String CHANNEL = "handover:free";
    /** What is published without being read would fill the socket. */
    private static final String NOBODY = "handover:nobody";

    private static final String RELEASE = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
            + "redis.call('DEL', KEYS[1]) redis.call('PUBLISH', ARGV[2], KEYS[1]) return 1";

    private final RespConnection commands;
    private final RespConnection messages;
    private final String owner = Long.toString(ProcessHandle.current().pid());
    private final String release;
    private String key = "";

    Bare(String url) {
        try {
            URI address = URI.create(url);
            this.commands = new RespConnection(address.getHost(), address.getPort());
            this.messages = new RespConnection(address.getHost(), address.getPort());
            this.release = commands.call(List.of("SCRIPT", "LOAD", RELEASE)).toString();
            Object unused = messages.call(List.of("SUBSCRIBE", CHANNEL));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void take(String next) {
        try {
            while (!commands.call(List.of("SET", next, owner, "NX", "PX", "30000"))
                    .equals("OK")) {
                // Perhaps one of an earlier release: then the next attempt fails, and waits for another.
                Object unused = messages.answer();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        key = next;
    }

    @Override
    public void giveBack() {
        giveBack(CHANNEL);
    }

    private void giveBack(String channel) {
        try {
            if (!commands.call(List.of("EVALSHA", release, "1", key, owner, channel))
                    .equals(1L)) {
                throw new IllegalStateException("a key that nobody disturbed was lost");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void cycle(String next) {
        take(next);
        giveBack(NOBODY);
    }
}

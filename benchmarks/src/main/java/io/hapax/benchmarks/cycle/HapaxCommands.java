package io.hapax.benchmarks.cycle;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** The script of Hapax, one request a call. */
final class HapaxCommands implements Commands {

    private static final String TAG = "hapax:{peer:0}:";
    private static final String CHANNEL = "hapax:peer:wake";
    private volatile String epoch = "";
    private volatile String token = "0";

    @Override
    public List<String> scripts() {
        return List.of(Commands.resource("values.lua")
                + Commands.resource("server.lua")
                + Commands.resource("slots.lua")
                + Commands.resource("exchange.lua"));
    }

    private static List<String> keys(String key) {
        return List.of(TAG + "m", TAG + "l:" + key, TAG + "d:", TAG + "w:l:" + key, TAG + "p:l:" + key);
    }

    @Override
    public Call take(String key, String owner) {
        return new Call(
                0,
                keys(key),
                List.of(epoch, "0", "40000", token, CHANNEL, "acquire", owner, "30000", "-", "worker|", ""));
    }

    @Override
    public Call giveBack(String key, String owner) {
        return new Call(
                0, keys(key), List.of(epoch, "0", "40000", token, CHANNEL, "release", owner, "0", token, "", ""));
    }

    @Override
    public void granted(Object answer) {
        List<?> list = (List<?>) answer;
        if (!Long.valueOf(1).equals(list.get(1))) {
            throw new IllegalStateException("not granted: " + list);
        }
        epoch = text(list.get(0));
        token = text(list.get(2));
    }

    @Override
    public void givenBack(Object answer) {
        List<?> list = (List<?>) answer;
        if (!Long.valueOf(1).equals(list.get(1))) {
            throw new IllegalStateException("not given back: " + list);
        }
    }

    /** Jedis leaves the texts of a script's answer as bytes. */
    private static String text(Object answer) {
        return answer instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : (String) answer;
    }
}

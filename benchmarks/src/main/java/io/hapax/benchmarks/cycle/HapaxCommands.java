package io.hapax.benchmarks.cycle;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** The scripts of Hapax, one request a call. */
final class HapaxCommands implements Commands {

    private static final String TAG = "hapax:{peer:0}:";
    private static final String CHANNEL = "hapax:peer:wake";

    private final boolean oneForMany;
    private volatile String epoch = "";
    private volatile String token = "0";

    private static final int ANY = 0;
    private static final int ACQUIRE = 1;
    private static final int RELEASE = 2;

    /** With {@code oneForMany}, everything is asked of the script that crowds share. */
    HapaxCommands(boolean oneForMany) {
        this.oneForMany = oneForMany;
    }

    @Override
    public List<String> scripts() {
        return List.of(
                Commands.resource("values.lua")
                        + Commands.resource("server.lua")
                        + Commands.resource("slots.lua")
                        + Commands.resource("exchange.lua"),
                Commands.resource("acquire.lua"),
                Commands.resource("release.lua"));
    }

    @Override
    public Call take(String key, String owner) {
        String lease = TAG + "l:" + key;
        String waiter = TAG + "w:l:" + key;
        String pause = TAG + "h:l:" + key;
        String index = TAG + "i:" + key;
        String known = epoch;
        if (known.isEmpty() || oneForMany) {
            return new Call(
                    ANY,
                    List.of(TAG + "m", lease, TAG + "d:", waiter, pause),
                    List.of(known, "0", "40000", token, CHANNEL, "acquire", owner, "30000", "-", "worker|", index));
        }
        return new Call(
                ACQUIRE,
                List.of(TAG + "m", lease, waiter, pause, TAG + "d:", index),
                List.of(known, token, owner + "|", "|-|worker|", "30000", "40000", "0", "0"));
    }

    /** By its owner alone, who was granted nothing else: the token here is the last one of all callers. */
    @Override
    public Call giveBack(String key, String owner) {
        if (oneForMany) {
            return new Call(
                    ANY,
                    List.of(TAG + "m", TAG + "l:" + key, TAG + "d:", TAG + "w:l:" + key, TAG + "h:l:" + key),
                    List.of(epoch, "0", "40000", token, CHANNEL, "release", owner, "0", "0", "", ""));
        }
        return new Call(
                RELEASE,
                List.of(TAG + "l:" + key, TAG + "w:l:" + key, TAG + "d:", TAG + "h:l:" + key),
                List.of(owner + "|", CHANNEL, "0", "", ""));
    }

    @Override
    public void granted(Object answer) {
        List<?> list = (List<?>) answer;
        if (list.isEmpty() || !Long.valueOf(1).equals(list.get(1))) {
            throw new IllegalStateException("not granted: " + list);
        }
        String said = text(list.get(0));
        if (!said.isEmpty()) {
            epoch = said;
        }
        token = text(list.get(2));
    }

    @Override
    public void givenBack(Object answer) {
        List<?> list = (List<?>) answer;
        if (list.isEmpty() || !Long.valueOf(1).equals(list.get(1))) {
            throw new IllegalStateException("not given back: " + list);
        }
    }

    /** Jedis leaves the texts of a script's answer as bytes. */
    private static String text(Object answer) {
        return answer instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : (String) answer;
    }
}

package io.hapax.redis;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The keys whose names the scripts of the portable protocol compose themselves. If a caller declares too few slots or places, the
 * script answers with their number; the caller asks again, and remembers it. Thread-safe.
 */
final class DeclaredKeys {

    /** What a script says to who has declared too little: how many slots or places there are, or which keys. */
    private static final Pattern NOT_DECLARED =
            Pattern.compile("NOTDECLARED ((?:\\d+|hapax:\\{\\S+)(?: hapax:\\{\\S+)*)");

    /** Forgotten at once when there are more: who asks then needs two calls. */
    private static final int MOST_REMEMBERED = 10_000;

    /** Of each lock key, by its index, and of each name of places, by the key of their number. */
    private final Map<String, Integer> counts = new ConcurrentHashMap<>();

    /** The keys to be declared beyond those that the script is given, in this order. */
    List<String> of(Script script, List<Object> keys, Collection<String> further) {
        Set<String> all = new LinkedHashSet<>();
        switch (script.names()) {
            case NONE -> {}
            case OF_A_BUCKET -> all.add(quarantine(keys));
            case OF_SLOTS -> {
                all.add(quarantine(keys));
                keys.subList(1, keys.size()).forEach(key -> addSlots(all, (String) key));
            }
            case OF_SLOTS_TO_SEE -> addSlots(all, (String) keys.get(1));
            case OF_PLACES -> addPlaces(all, (String) keys.get(0));
        }
        all.addAll(further);
        return new ArrayList<>(all);
    }

    private static String quarantine(List<Object> keys) {
        return tag((String) keys.get(0)) + "q";
    }

    static String tag(String key) {
        return key.substring(0, key.indexOf("}:") + 2);
    }

    private void addSlots(Set<String> all, String key) {
        String tag = tag(key);
        String text = lockKey(key, tag.length());
        if (!text.isEmpty()) {
            String index = tag + "i:" + text;
            all.add(index);
            all.add(tag + "l:" + text);
            int slots = counts.getOrDefault(index, 0);
            for (int number = 1; number <= slots; number++) {
                all.add(tag + "s:" + number + ":" + text);
            }
        }
    }

    /** Of the key of a lease on it, or on one of its slots; empty if it is another key. */
    private static String lockKey(String key, int from) {
        if (key.startsWith("l:", from)) {
            return key.substring(from + 2);
        }
        return key.startsWith("s:", from) ? key.substring(key.indexOf(':', from + 2) + 1) : "";
    }

    private void addPlaces(Set<String> all, String number) {
        String tag = tag(number);
        String name = number.substring(tag.length() + 3);
        int places = counts.getOrDefault(number, 1);
        for (int place = 1; place <= places; place++) {
            all.add(tag + "g:" + place + name);
        }
    }

    /** What has to be declared by the call that follows; empty if the message says nothing of it. */
    static List<String> missing(String message) {
        Matcher matcher = NOT_DECLARED.matcher(message);
        return matcher.find() ? List.of(matcher.group(1).split(" ")) : List.of();
    }

    /**
     * Notes how many there are, and returns which keys are missing beside those.
     *
     * @param key of a lease, or of the number of places
     */
    List<String> learn(String key, List<String> missing) {
        String first = missing.get(0);
        if (!Character.isDigit(first.charAt(0))) {
            return missing;
        }
        String tag = tag(key);
        String lock = lockKey(key, tag.length());
        if (counts.size() >= MOST_REMEMBERED) {
            counts.clear();
        }
        // A few more, so that not each one that comes on top is found out by a call.
        int highest = Integer.parseInt(first);
        int count = highest + Math.max(3, highest / 4);
        counts.merge(lock.isEmpty() ? key : tag + "i:" + lock, count, Math::max);
        return List.of();
    }
}

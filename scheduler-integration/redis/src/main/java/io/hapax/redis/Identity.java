package io.hapax.redis;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** By which question a server says, on a connection, who it is. The first one that a server answers is asked from then on. */
enum Identity {
    PROCESS_AND_PROMOTION("server replication"),
    EVERYTHING(""),
    REPLICATION("replication");

    private static final Pattern RUN = Pattern.compile("(?m)^run_id:(\\w+)");
    private static final Pattern PROMOTED = Pattern.compile("(?m)^second_repl_offset:(\\d+)");
    private static final Pattern HISTORY = Pattern.compile("(?m)^master_replid:(\\w+)");

    private final String sections;

    Identity(String sections) {
        this.sections = sections;
    }

    /** The arguments of INFO. */
    List<String> sections() {
        return sections.isEmpty() ? List.of() : List.of(sections.split(" "));
    }

    /**
     * Tells the process, and each of its promotions, from any other, as {@code server.lua} does. Without an id of the process,
     * the id of its history of writes, which starts anew with each start and each promotion. Empty if it says neither.
     */
    static String of(String info) {
        Matcher run = RUN.matcher(info);
        if (run.find()) {
            Matcher promoted = PROMOTED.matcher(info);
            return run.group(1) + (promoted.find() ? ":" + promoted.group(1) : "");
        }
        Matcher history = HISTORY.matcher(info);
        return history.find() ? "history " + history.group(1) : "";
    }
}

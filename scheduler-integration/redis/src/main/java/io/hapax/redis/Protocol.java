package io.hapax.redis;

/** How a server is spoken to; which it is, {@link Discovery} finds out. */
enum Protocol {
    /** Scripts ask the server who it is and what time it is. */
    FULL("server.lua", ""),
    /** The caller passes both to the scripts, together with the keys that they may touch. */
    PORTABLE("portable.lua", " protocol=portable");

    private final String prelude;
    private final String setting;

    Protocol(String prelude, String setting) {
        this.prelude = prelude;
        this.setting = setting;
    }

    /** The file that stands before every script. */
    String prelude() {
        return prelude;
    }

    /** What the settings of a namespace say of it: a quarantine that one notes, the other does not read. */
    String setting() {
        return setting;
    }
}

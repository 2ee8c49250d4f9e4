package io.hapax.testkit;

import java.time.Duration;
import java.util.function.Consumer;

/** Runs tests with a short ttl, and with a longer one if the machine was too slow to look before it was over. */
final class ShortTtl {

    private static final int LONGER = 4;
    private static final int LONGEST = 16;

    private ShortTtl() {}

    /** What had to be seen before a ttl was over was looked at only afterwards. */
    private static final class TooSlow extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TooSlow(AssertionError seen) {
            super("this machine is too slow even for the longest of the short ttl", seen);
        }
    }

    static void with(Duration shortest, Consumer<Duration> test) {
        Duration longest = shortest.multipliedBy(LONGEST);
        for (Duration ttl = shortest; ; ttl = ttl.multipliedBy(LONGER)) {
            try {
                test.accept(ttl);
                return;
            } catch (TooSlow e) {
                if (ttl.compareTo(longest) >= 0) {
                    throw e;
                }
            }
        }
    }

    /** Asserts what holds until a ttl is over that started at some nanosecond, or a little later. */
    static void before(Duration ttl, long began, Runnable assertion) {
        try {
            assertion.run();
        } catch (AssertionError e) {
            if (System.nanoTime() - began < ttl.toNanos()) {
                throw e;
            }
            throw new TooSlow(e);
        }
    }
}

package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.OnConflict;

/** Jobs that are static methods, and a class whose methods share its settings. */
@Guarded(key = "statics", ignoreArguments = true, onConflict = OnConflict.SKIP)
public final class Statics {

    private Statics() {}

    public static void run(String journal) throws InterruptedException {
        new Work().run(journal);
    }
}

package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.OnConflict;

/** A job that is enqueued through its interface. */
@Guarded(key = "deed", ignoreArguments = true, onConflict = OnConflict.SKIP)
public interface Deed {

    void perform(String journal) throws InterruptedException;

    /** The only implementation. */
    class Done implements Deed {
        @Override
        public void perform(String journal) throws InterruptedException {
            new Work().run(journal);
        }
    }
}

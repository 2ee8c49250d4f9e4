package io.hapax.http;

import io.hapax.time.DurationText;
import java.time.Duration;

/** For how long fences remember a key. */
final class Retention {

    private Retention() {}

    static Duration checked(Duration retention) {
        DurationText.requireStorable("the retention of a fence", retention, 1);
        return retention;
    }
}

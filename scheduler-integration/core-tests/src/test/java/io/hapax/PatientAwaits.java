package io.hapax;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Has every test wait for longer than ten seconds, in which some threads of a busy machine may not get a processor. JUnit finds this
 * extension by itself. Only a test that fails takes longer for it.
 */
public final class PatientAwaits implements BeforeAllCallback {

    private static final Duration LONGEST = Duration.ofSeconds(40);

    @Override
    public void beforeAll(ExtensionContext context) {
        Awaitility.setDefaultTimeout(LONGEST);
    }
}

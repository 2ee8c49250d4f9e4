package io.hapax.testkit;

import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;
import org.slf4j.LoggerFactory;

/**
 * Has SLF4J find its provider before any test starts. While one thread makes it look for it, others get loggers that stand in,
 * which are no loggers of the provider: tests that run side by side and watch what is logged would fail by luck. JUnit finds this
 * listener by itself.
 */
public final class LoggingFirst implements LauncherSessionListener {

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        var unused = LoggerFactory.getILoggerFactory();
    }
}

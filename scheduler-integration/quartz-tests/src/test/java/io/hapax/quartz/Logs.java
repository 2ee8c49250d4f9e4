package io.hapax.quartz;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** What a logger writes while it is watched. */
final class Logs extends AppenderBase<ILoggingEvent> implements AutoCloseable {

    /** A lock for tests that read what all schedulers of the process write; those beside them only write. */
    static final String LOGGERS = "loggers";

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger logger;
    private final @Nullable Level before;

    private Logs(Logger logger) {
        this.logger = logger;
        this.before = logger.getLevel();
    }

    static Logs of(String logger) {
        Logs logs = new Logs((Logger) LoggerFactory.getLogger(logger));
        logs.start();
        logs.logger.addAppender(logs);
        return logs;
    }

    /** Also what is usually not written; until it is closed. */
    Logs inDetail() {
        logger.setLevel(Level.DEBUG);
        return this;
    }

    boolean contain(String text) {
        return lines.stream().anyMatch(line -> line.contains(text));
    }

    List<String> lines() {
        return lines;
    }

    @Override
    protected void append(ILoggingEvent event) {
        lines.add(event.getLevel() + " " + event.getFormattedMessage());
    }

    @Override
    public void close() {
        logger.detachAppender(this);
        logger.setLevel(before);
    }
}

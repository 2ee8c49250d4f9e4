package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.slf4j.LoggerFactory;

/** A quarantine is told once, however many runs try and however many buckets find out. */
@Isolated
class MemoryLogTest {

    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private final ManualTicker ticker = new ManualTicker();
    private final MemoryLog log = new MemoryLog("billing", "host:1", ticker);

    @BeforeEach
    void listen() {
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        ((Logger) LoggerFactory.getLogger("io.hapax.redis")).addAppender(lines);
    }

    @AfterEach
    void stop() {
        ((Logger) LoggerFactory.getLogger("io.hapax.redis")).detachAppender(lines);
    }

    /** Clients of tests before this one may write there, too. */
    private List<ILoggingEvent> lines() {
        return lines.list.stream()
                .filter(line -> line.getFormattedMessage().contains("billing"))
                .toList();
    }

    @Test
    void many_attempts_in_many_buckets_are_one_line() {
        for (int bucket = 0; bucket < 64; bucket++) {
            log.waits("restarted", Duration.ofSeconds(30));
        }
        assertThat(lines()).singleElement().satisfies(line -> {
            assertThat(line.getLevel()).isEqualTo(Level.WARN);
            assertThat(line.getFormattedMessage()).contains("billing", "host:1", "restarted", "30000 ms");
        });
    }

    @Test
    void a_new_reason_and_a_later_quarantine_are_told_again() {
        log.waits("new", Duration.ofSeconds(10));
        log.waits("emptied", Duration.ofSeconds(30));
        ticker.advance(Duration.ofSeconds(30));
        log.waits("emptied", Duration.ofSeconds(30));
        assertThat(lines()).extracting(ILoggingEvent::getLevel).containsExactly(Level.INFO, Level.WARN, Level.WARN);
    }

    @Test
    void a_loss_is_told_once_and_the_next_one_again() {
        for (int bucket = 0; bucket < 64; bucket++) {
            log.lost();
        }
        assertThat(lines()).hasSize(1);
        ticker.advance(Duration.ofMinutes(1));
        log.lost();
        assertThat(lines()).hasSize(2).allMatch(line -> line.getLevel() == Level.WARN);
    }
}

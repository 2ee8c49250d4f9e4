package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ledger.RunState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Events with generated names, keys and reasons of any characters: each is told on one line that does nothing.
 * {@code -Dhapax.test.seed=} begins with another seed.
 */
class GeneratedLinesTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int SEEDS = 500;
    /** Breaks, controls, marks of direction, invisible ones, halves of pairs, and those that have no meaning yet. */
    private static final int[] ODD = {
        '\n', '\r', 0, 0x1b, 0x7f, 0x85, 0x9b, 0xad, 0x200b, 0x200e, 0x2028, 0x2029, 0x202e, 0x2066, 0xfeff, 0xfff9,
        0xd800, 0xdfff, 0xe000, 0x0378, 0xe0001, 0xe0041, 0x10ffff
    };

    private static final int[] PLAIN = "ab 1'=/üß日🔒\\u%".codePoints().toArray();
    private static final Pattern ACTING = Pattern.compile("[\\p{C}\\p{Zl}\\p{Zp}]");
    private static final Pattern NO_CONTROL = Pattern.compile("\\P{Cc}");
    private static final Pattern SHOWN = Pattern.compile("\\\\u([0-9A-F]{4,6})");

    private final Logger logger = (Logger) LoggerFactory.getLogger("io.hapax");
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @BeforeEach
    void listen() {
        MDC.clear();
        logger.setLevel(Level.DEBUG);
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger.addAppender(lines);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(lines);
        logger.setLevel(Level.INFO);
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int n = 1 + random.nextInt(8); n > 0; n--) {
            int[] some = random.nextBoolean() ? ODD : PLAIN;
            text.appendCodePoint(some[random.nextInt(some.length)]);
        }
        return text.toString();
    }

    /** Keys refuse some of them. */
    private static JobIdentity identity(Random random) {
        while (true) {
            try {
                return new JobIdentity(new LockKey(text(random)), new RunKey(text(random)));
            } catch (IllegalArgumentException refused) {
                // Another one, then.
            }
        }
    }

    private static List<GuardEvent> events(Random random) {
        String job = text(random);
        JobIdentity identity = identity(random);
        Lease lease = new Lease(
                identity, OwnerId.random(), new FencingToken(7), text(random), Duration.ofSeconds(30), Instant.EPOCH);
        Holder holder = new Holder(OwnerId.random(), new FencingToken(7), text(random), text(random), Instant.EPOCH);
        IllegalStateException cause = new IllegalStateException(text(random));
        Refusal held = new Refusal(Verdict.OVERLAP, holder, Duration.ofSeconds(1), text(random), null);
        Refusal away = new Refusal(Verdict.UNAVAILABLE, null, Duration.ZERO, text(random), cause);
        return List.of(
                new GuardEvent.Acquired(job, lease, Duration.ZERO, 1 + random.nextInt(2)),
                new GuardEvent.Refused(job, identity, held, Duration.ZERO, false),
                new GuardEvent.Refused(job, identity, away, Duration.ZERO, random.nextBoolean()),
                new GuardEvent.Unguarded(job, identity, away),
                new GuardEvent.WouldRefuse(job, identity, held, random.nextBoolean()),
                new GuardEvent.RanTwice(job, identity, away, Duration.ZERO),
                new GuardEvent.RanTwice(job, identity, held, Duration.ZERO),
                new GuardEvent.RenewedLate(job, lease, Duration.ZERO),
                new GuardEvent.Lost(job, lease, LossReason.GONE, holder, Duration.ZERO),
                new GuardEvent.Released(job, lease, RunOutcome.COMPLETED, Duration.ZERO),
                new GuardEvent.Released(job, lease, RunOutcome.UNCONFIRMED, Duration.ZERO),
                new GuardEvent.Forced(job, identity, holder, text(random), text(random)),
                new GuardEvent.Resolved(job, identity, RunState.DONE, text(random), text(random)));
    }

    /** A line of one seed's events that is more than a line; null if none is. */
    private @Nullable String acting(long seed, UnaryOperator<String> shown) {
        lines.list.clear();
        // The first numbers of a Random with a small seed are all alike.
        Random random = new Random(new SplittableRandom(seed).nextLong());
        LoggingListener listener = new LoggingListener(new HistoryClock());
        List<GuardEvent> events = events(random);
        events.forEach(listener::on);
        listener.close();
        assertThat(lines.list).hasSizeGreaterThanOrEqualTo(events.size());
        List<String> all = new ArrayList<>();
        for (ILoggingEvent line : lines.list) {
            all.add(line.getFormattedMessage());
            all.add(line.getMDCPropertyMap().getOrDefault("hapax.job", ""));
            // Keys are as they are there: fields are for machines, and no key has a control character.
            line.getMDCPropertyMap()
                    .values()
                    .forEach(value ->
                            all.add(NO_CONTROL.matcher(String.valueOf(value)).replaceAll("")));
        }
        return all.stream()
                .map(shown)
                .filter(line -> ACTING.matcher(line).find())
                .findFirst()
                .map(line -> "seed " + seed + ": " + line)
                .orElse(null);
    }

    @Test
    void whatever_names_are_made_of_each_line_stays_one_line() {
        LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS)
                .forEach(seed -> assertThat(acting(seed, line -> line)).isNull());
    }

    @Test
    void names_that_are_shown_as_they_are_are_found() {
        UnaryOperator<String> asTheyAre = line -> SHOWN.matcher(line)
                .replaceAll(
                        number -> Matcher.quoteReplacement(Character.toString(Integer.parseInt(number.group(1), 16))));
        assertThat(LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS).anyMatch(seed -> acting(seed, asTheyAre) != null))
                .isTrue();
    }
}

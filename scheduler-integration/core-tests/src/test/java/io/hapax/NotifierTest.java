package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A listener that does not come back costs its own events, in a bounded place, and nobody else's. */
class NotifierTest {

    private static final int FLOOD = 25_000;

    private final Logger logger = (Logger) LoggerFactory.getLogger(JobGuard.class);
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final ManualTicker ticker = new ManualTicker();
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final AtomicInteger blockedHas = new AtomicInteger();
    private final CountDownLatch isBlocked = new CountDownLatch(1);
    private final GuardListener blocked = event -> {
        isBlocked.countDown();
        uninterruptibly(goOn);
        blockedHas.incrementAndGet();
    };

    @BeforeEach
    void listen() {
        // Other threads log while the lines are read.
        log.list = new CopyOnWriteArrayList<>();
        log.start();
        logger.addAppender(log);
    }

    @AfterEach
    void letGo() {
        goOn.countDown();
        logger.detachAppender(log);
    }

    private static void uninterruptibly(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private Notifier notifier(GuardListener... listeners) {
        return new Notifier(List.of(listeners), Notifier.threads(), ticker);
    }

    private static Lease lease(int number) {
        return new Lease(
                new JobIdentity(new LockKey("k" + number), null),
                OwnerId.random(),
                new FencingToken(number + 1),
                "worker",
                Duration.ofSeconds(30),
                Instant.EPOCH);
    }

    private static GuardEvent lost(Lease lease) {
        return new GuardEvent.Lost("job", lease, LossReason.GONE, null, Duration.ZERO);
    }

    private static GuardEvent late(Lease lease) {
        return new GuardEvent.RenewedLate("job", lease, Duration.ZERO);
    }

    private static GuardEvent released(Lease lease) {
        return new GuardEvent.Released("job", lease, RunOutcome.LOST, Duration.ZERO);
    }

    private List<String> warnings() {
        return log.list.stream()
                .filter(line -> line.getLevel() == Level.WARN)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    /** What is dropped while a line is being written has no line of its own; its thread ends a moment after the line is there. */
    private static void awaitWritten() {
        await().until(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("hapax-dropped")));
    }

    @Test
    void of_what_waits_for_a_blocked_listener_so_much_is_kept_and_the_rest_is_counted_in_the_log() {
        Notifier notifier = notifier(blocked);
        notifier.tellLater(lost(lease(0)));
        uninterruptibly(isBlocked);
        for (int n = 1; n <= FLOOD; n++) {
            notifier.tellLater(lost(lease(n)));
        }
        await().untilAsserted(() -> assertThat(warnings())
                .singleElement()
                .asString()
                .contains("is blocked or too slow", "10000 events wait", "No run is affected"));
        awaitWritten();
        ticker.advance(Duration.ofMinutes(1));
        notifier.tellLater(lost(lease(1)));
        // All that were dropped but the first, which had a line of its own.
        await().untilAsserted(() -> assertThat(warnings())
                .hasSize(2)
                .last()
                .asString()
                .endsWith((FLOOD - 10_000) + " more in the last 60 s"));
        notifier.tellLater(lost(lease(2)));
        goOn.countDown();
        await().untilAsserted(() -> assertThat(blockedHas).hasValue(10_001));
        await().untilAsserted(() ->
                assertThat(warnings()).hasSize(3).last().asString().endsWith("1 more in the last 0 s"));
        notifier.tellLater(lost(lease(3)));
        await().untilAsserted(() -> assertThat(blockedHas).hasValue(10_002));
    }

    @Test
    void a_blocked_listener_keeps_no_other_one_waiting() {
        Events events = new Events();
        Notifier notifier = notifier(blocked, events);
        for (int n = 0; n < 10; n++) {
            notifier.tellLater(lost(lease(n)));
        }
        await().untilAsserted(() -> assertThat(events.all()).hasSize(10));
        assertThat(blockedHas).hasValue(0);
    }

    @Test
    void what_a_run_tells_at_its_end_comes_after_what_was_told_of_it_before() {
        List<GuardEvent> heard = new CopyOnWriteArrayList<>();
        Lease first = lease(1);
        Lease second = lease(2);
        Notifier notifier = notifier(event -> {
            if (event.equals(lost(first))) {
                isBlocked.countDown();
                uninterruptibly(goOn);
            }
            heard.add(event);
        });
        notifier.tellLater(lost(first));
        uninterruptibly(isBlocked);
        notifier.tellLater(late(second));
        notifier.tellLater(late(first));
        notifier.tellLater(lost(second));
        notifier.tell(released(second));
        notifier.tell(released(first));
        Lease third = lease(3);
        notifier.tell(released(third));
        assertThat(heard).as("who waits for nothing is told at once").containsExactly(released(third));
        goOn.countDown();
        await().untilAsserted(() -> assertThat(heard)
                .containsExactly(
                        released(third),
                        lost(first),
                        late(second),
                        late(first),
                        lost(second),
                        released(second),
                        released(first)));
    }

    @Test
    void of_callbacks_that_wait_for_blocked_ones_so_many_are_kept_and_the_rest_is_counted() {
        Notifier notifier = notifier();
        AtomicInteger called = new AtomicInteger();
        for (int n = 0; n < FLOOD; n++) {
            notifier.call(() -> {
                uninterruptibly(goOn);
                called.incrementAndGet();
            });
        }
        await().untilAsserted(() ->
                assertThat(warnings()).singleElement().asString().contains("callbacks of lost leases are dropped"));
        goOn.countDown();
        await().untilAsserted(() -> assertThat(called).hasValue(10_064));
        await().untilAsserted(() -> assertThat(warnings())
                .hasSize(2)
                .last()
                .asString()
                .endsWith((FLOOD - 10_064 - 1) + " more in the last 0 s"));
    }

    @Test
    void a_blocked_listener_holds_up_neither_a_loss_nor_the_next_run() throws Exception {
        GuardListener onlyLosses = event -> {
            if (event instanceof GuardEvent.Lost) {
                blocked.on(event);
            }
        };
        Events events = new Events();
        ManualTicker time = new ManualTicker();
        InMemoryLeaseStore store = new InMemoryLeaseStore(time);
        try (JobGuard guard = JobGuard.builder(store)
                .ticker(time)
                .listener(onlyLosses)
                .listener(events)
                .build()) {
            for (int n = 0; n < 3; n++) {
                GuardedRun run = Answered.run(guard.admit(RunRequest.lock("k" + n)));
                try (GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
                    run.lose(LossReason.GONE, null);
                }
                run.close();
            }
            await().untilAsserted(
                            () -> assertThat(events.of(GuardEvent.Lost.class)).hasSize(3));
        }
    }

    /** By whoever is quickest: here before a callback of the loss is called, which comes after its thread is interrupted. */
    @Test
    void a_run_that_ends_because_it_was_lost_is_told_as_lost_first() throws Exception {
        Events events = new Events();
        AtomicReference<GuardedRun> lost = new AtomicReference<>();
        GuardThreads threads = new GuardThreads((what, failure) -> {}, thread -> {
            if (thread.getName().startsWith("hapax-callback")) {
                lost.get().close();
            }
        });
        InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
        try (JobGuard guard = JobGuard.builder(store)
                .ticker(ticker)
                .withoutLogging()
                .threads(threads)
                .listener(events)
                .build()) {
            GuardedRun run = Answered.run(guard.admit(RunRequest.lock("k")));
            lost.set(run);
            run.onLeaseLost(loss -> {});
            try (GuardedRun.Scope work = run.enter(OnLeaseLost.SIGNAL)) {
                store.forgetEverything();
                ticker.advance(Duration.ofSeconds(12));
                await().until(() -> events.all().size() == 3);
            }
            assertThat(events.all())
                    .extracting(event -> event.getClass().getSimpleName())
                    .containsExactly("Acquired", "Lost", "Released");
        }
    }
}

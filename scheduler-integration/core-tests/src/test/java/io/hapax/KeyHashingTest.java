package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunState;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** A guard that hashes its keys; what stores keep is looked at again in their own modules. */
class KeyHashingTest {

    private static final String SECRET = "0123456789abcdef";
    private static final String PERSON = "jane.doe@example.org";

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore leases = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore store = new FaultyLeaseStore(leases);
    private final InMemoryRunLedger ledger = new InMemoryRunLedger(ticker);
    private final Events events = new Events();
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.hapax");
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private final JobGuard guard = hashing(SECRET).build();
    private final RunRequest request = RunRequest.lock("mail/" + PERSON).once("mail/" + PERSON + "@1");

    private JobGuardBuilder hashing(String secret) {
        return hashing(store, secret);
    }

    private JobGuardBuilder hashing(LeaseStore leases, String secret) {
        return JobGuard.builder(leases)
                .ledger(ledger)
                .ticker(ticker)
                .listener(events)
                .worker("here")
                .hashKeys(secret);
    }

    private GuardedRun admitted(RunRequest wanted) throws InterruptedException {
        return Answered.run(guard.admit(wanted));
    }

    @BeforeEach
    void listen() {
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
        store.healthy();
        guard.close();
    }

    private List<String> everythingSaid() {
        List<String> all = new ArrayList<>();
        lines.list.forEach(line -> {
            all.add(line.getFormattedMessage());
            all.add(line.getMDCPropertyMap().toString());
        });
        events.all().forEach(event -> all.add(event.toString()));
        leases.admin().leases(100).toCompletableFuture().join().forEach(lease -> all.add(lease.toString()));
        leases.admin().audit(100).toCompletableFuture().join().forEach(entry -> all.add(entry.toString()));
        ledger.entries(LedgerQuery.in(100, RunState.values()))
                .toCompletableFuture()
                .join()
                .forEach(entry -> all.add(entry.toString()));
        ledger.audit(100).toCompletableFuture().join().forEach(entry -> all.add(entry.toString()));
        guard.admin().runs().forEach(run -> all.add(run.toString()));
        guard.admin().waiting().forEach(run -> all.add(run.toString()));
        return all;
    }

    @Test
    void neither_events_nor_lines_nor_what_is_stored_have_the_key() throws Exception {
        GuardedRun run = admitted(request);
        try (GuardedRun.Scope scope = run.enter()) {
            lines.list.clear();
            assertThat(MDC.getCopyOfContextMap().toString())
                    .contains("hapax.key=h")
                    .doesNotContain(PERSON);
            assertThat(run + " " + run.identity() + " " + run.job() + run.lease())
                    .doesNotContain(PERSON);
            String refused = guard.admit(request).fold(granted -> "admitted", refusal -> refusal.toString());
            assertThat(refused).contains("RUNNING").doesNotContain(PERSON);
            assertThat(everythingSaid()).hasSizeGreaterThan(5).noneMatch(said -> said.contains(PERSON));
        }
        guard.admin().forceRelease(request.identity(), "ann", "a test").join();
        run.close();
        RunRequest once = RunRequest.occurrence(PERSON).tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        GuardedRun abandoned = admitted(once);
        abandoned.enter().close();
        abandoned.close();
        assertThat(guard.admin()
                        .resolve(guard.kept(once.identity()), RunState.DONE, "ann", "a test")
                        .join())
                .isTrue();
        admitted(RunRequest.lock(PERSON)).complete();
        assertThat(events.all())
                .hasAtLeastOneElementOfType(GuardEvent.Acquired.class)
                .hasAtLeastOneElementOfType(GuardEvent.Refused.class)
                .hasAtLeastOneElementOfType(GuardEvent.Forced.class)
                .hasAtLeastOneElementOfType(GuardEvent.Released.class)
                .hasAtLeastOneElementOfType(GuardEvent.Resolved.class);
        assertThat(everythingSaid()).hasSizeGreaterThan(15).noneMatch(said -> said.contains(PERSON));
    }

    @Test
    void a_job_without_a_name_has_the_digest_as_its_name_and_one_with_a_name_keeps_it() throws Exception {
        try (GuardedRun run = admitted(request)) {
            assertThat(run.job()).matches("h[0-9a-f]{40}");
        }
        try (GuardedRun run = admitted(request.job("mails"))) {
            assertThat(run.job()).isEqualTo("mails");
        }
    }

    @Test
    void exceptions_do_not_have_the_key_either() throws Exception {
        try (GuardedRun holder = admitted(request)) {
            assertThatThrownBy(() ->
                            guard.run(request.tune(options -> options.withOnConflict(OnConflict.FAIL)), run -> null))
                    .isInstanceOf(RunRefusedException.class)
                    .message()
                    .doesNotContain(PERSON);
            assertThatThrownBy(() -> guard.run(
                            request.tune(options -> options.withOnConflict(OnConflict.RESCHEDULE)), run -> null))
                    .message()
                    .doesNotContain(PERSON);
            assertThatThrownBy(() -> guard.admit(
                            RunRequest.lock(PERSON).tune(options -> options.withAfterCrash(AfterCrash.ABANDON))))
                    .message()
                    .doesNotContain(PERSON);
        }
    }

    @Test
    void workers_with_the_same_secret_exclude_each_other() throws Exception {
        try (JobGuard other = hashing(SECRET).build();
                GuardedRun run = admitted(request)) {
            Verdict verdict = other.admit(request).fold(granted -> null, refusal -> refusal.verdict());
            assertThat(verdict).isEqualTo(Verdict.RUNNING);
        }
    }

    @Test
    void the_store_refuses_a_worker_with_another_secret_or_none_and_without_a_ledger() {
        assertThatExceptionOfType(LeaseStoreException.class)
                .isThrownBy(() -> JobGuard.builder(leases.otherClient())
                        .hashKeys("another secret of 16")
                        .build())
                .withMessageContaining("keys=hmac/")
                .satisfies(refused -> assertThat(refused.getMessage()).doesNotContain(SECRET, "another secret"));
        assertThatExceptionOfType(LeaseStoreException.class)
                .isThrownBy(() -> JobGuard.builder(leases.otherClient()).build());
    }

    @Test
    void hashing_is_not_switched_on_beside_workers_that_keep_keys_as_they_are() {
        InMemoryLeaseStore plain = new InMemoryLeaseStore(ticker);
        JobGuard.builder(plain).build().close();
        assertThatExceptionOfType(LeaseStoreException.class)
                .isThrownBy(() ->
                        JobGuard.builder(plain.otherClient()).hashKeys(SECRET).build());
    }

    @Test
    void the_ledger_refuses_a_worker_with_another_secret_or_none() {
        assertThatIllegalStateException()
                .isThrownBy(() -> hashing(new InMemoryLeaseStore(ticker), "another secret of 16")
                        .build())
                .withMessageContaining("keys=hmac/")
                .satisfies(refused -> assertThat(refused.getMessage()).doesNotContain(SECRET, "another secret"));
        assertThatIllegalStateException()
                .isThrownBy(() -> JobGuard.builder(new InMemoryLeaseStore(ticker))
                        .ledger(ledger)
                        .build());
    }

    @Test
    void the_fingerprint_tells_secrets_apart_and_says_nothing_of_them() {
        try (JobGuard same = JobGuard.builder(store).hashKeys(SECRET).build();
                JobGuard another = JobGuard.builder(new InMemoryLeaseStore(ticker))
                        .hashKeys("another secret of 16")
                        .build();
                JobGuard plain =
                        JobGuard.builder(new InMemoryLeaseStore(ticker)).build()) {
            assertThat(same.fingerprint())
                    .isEqualTo(guard.fingerprint())
                    .isNotEqualTo(another.fingerprint())
                    .startsWith(plain.fingerprint())
                    .doesNotContain(SECRET);
            assertThat(plain.fingerprint()).isEqualTo(store.fingerprint());
        }
    }

    @Test
    void a_short_secret_is_refused_without_being_repeated() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JobGuard.builder(store).hashKeys("correct horse b"))
                .withMessageContaining("at least 16")
                .satisfies(refused -> assertThat(refused.getMessage()).doesNotContain("correct"));
    }

    @Test
    void people_may_ask_with_the_key_as_it_is_and_as_it_was_logged() throws Exception {
        GuardedRun run = admitted(request);
        JobIdentity logged = run.identity();
        assertThat(guard.admin().holder(request.identity()).join())
                .isPresent()
                .isEqualTo(guard.admin().holder(logged).join());
        assertThat(guard.kept(logged)).isEqualTo(logged).isEqualTo(guard.kept(request.identity()));
        assertThat(guard.admin().forceRelease(logged, "ann", "a test").join()).isPresent();
        assertThat(guard.admin().holder(request.identity()).join()).isEmpty();
        run.close();
        GuardedRun again = admitted(RunRequest.lock("mail/" + PERSON));
        assertThat(guard.admin()
                        .forceRelease(new JobIdentity(new LockKey("mail/" + PERSON), null), "ann", "a test")
                        .join())
                .isPresent();
        again.close();
    }

    private LockKey kept(String text) {
        return Objects.requireNonNull(
                guard.kept(new JobIdentity(new LockKey(text), null)).lockKey());
    }

    /** Whoever chooses keys must not meet another's by choosing what looks like a digest. */
    @Test
    void keys_that_look_like_digests_are_hashed_as_any_other() {
        long seed = Long.getLong("hapax.test.seed", new SplittableRandom().nextLong());
        SplittableRandom random = new SplittableRandom(seed);
        Map<String, String> texts = new HashMap<>();
        for (int n = 0; n < 2_000; n++) {
            String hex = HexFormat.of().toHexDigits(random.nextLong()).repeat(3).substring(0, 40);
            String digest = kept("person " + random.nextInt(100)).value();
            int at = 1 + random.nextInt(40);
            String forged = digest.substring(0, at) + (digest.charAt(at) == '0' ? '1' : '0') + digest.substring(at + 1);
            for (String text : List.of("h" + hex, "h" + hex + " #1", forged, forged + " #2")) {
                String kept = kept(text).value();
                assertThat(kept)
                        .as("'%s' with -Dhapax.test.seed=%d", text, seed)
                        .matches("h[0-9a-f]{40}")
                        .isNotEqualTo(text);
                assertThat(texts.merge(kept, text, (first, other) -> first)).isEqualTo(text);
            }
            assertThat(kept(digest).value()).isEqualTo(digest);
            assertThat(kept(digest + " #3").value()).isEqualTo(digest + " #3");
        }
    }

    @Test
    void a_digest_of_another_secret_is_a_key_as_any_other() {
        try (JobGuard another = hashing(new InMemoryLeaseStore(ticker), "another secret of 16")
                .ledger(new InMemoryRunLedger(ticker))
                .build()) {
            JobIdentity theirs = another.kept(new JobIdentity(new LockKey(PERSON), null));
            assertThat(guard.kept(theirs)).isNotEqualTo(theirs);
        }
    }

    @Test
    void a_lock_key_and_a_run_key_of_the_same_text_stay_two_keys() throws Exception {
        try (GuardedRun lock = admitted(RunRequest.lock(PERSON));
                GuardedRun run = admitted(RunRequest.occurrence(PERSON))) {
            assertThat(lock.identity()).isNotEqualTo(run.identity());
        }
    }

    @Test
    void slots_paces_and_places_in_queues_are_hashed_as_well() throws Exception {
        RunRequest limited = RunRequest.lock(PERSON)
                .job("mails")
                .tune(options -> options.withConcurrency(2).with("throttle", "1/1m"));
        try (GuardedRun slot = admitted(limited);
                GuardedRun.Scope scope = slot.enter()) {
            guard.admit(limited);
            String throttled = guard.admit(limited).fold(granted -> "admitted", refusal -> refusal.toString());
            assertThat(throttled).contains("THROTTLED").doesNotContain(PERSON);
            assertThat(everythingSaid()).noneMatch(said -> said.contains(PERSON));
        }
        RunOptions unique = RunOptions.DEFAULTS.with(Map.of("mode", "UNTIL_EXECUTED", "uniqueFor", "1h"));
        QueuedJob first = new QueuedJob(guard, "mails", new LockKey(PERSON), "1", unique);
        assertThat(first.enter(id -> JobQueue.Fate.PRESENT).refusal()).isEmpty();
        assertThat(new QueuedJob(guard, "mails", new LockKey(PERSON), "2", unique)
                        .enter(id -> JobQueue.Fate.PRESENT)
                        .refusal())
                .hasValueSatisfying(refusal -> assertThat(refusal.toString()).doesNotContain(PERSON));
        assertThat(everythingSaid()).noneMatch(said -> said.contains(PERSON));
        assertThat(store.reservations()
                        .orElseThrow()
                        .holders("queued:"
                                + guard.kept(new JobIdentity(new LockKey(PERSON), null))
                                        .leaseName())
                        .toCompletableFuture()
                        .join())
                .containsExactly("1");
    }

    @Test
    void who_waits_is_shown_without_the_key() throws Exception {
        try (GuardedRun holder = admitted(request)) {
            var waiting = guard.admitAsync(request.waitAtMost(Duration.ofMinutes(1)));
            assertThat(guard.admin().waiting())
                    .singleElement()
                    .satisfies(shown -> assertThat(shown.toString()).doesNotContain(PERSON));
            waiting.cancel(true);
            assertThat(guard.admin().waiting()).isEmpty();
        }
    }
}

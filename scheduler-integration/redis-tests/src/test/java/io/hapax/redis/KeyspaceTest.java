package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ops.HeldLease;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How keys are named: in one slot, bounded, readable, and never two identities under one name. */
class KeyspaceTest {

    private final Keyspace single = new Keyspace("billing", 1);
    private final Keyspace cluster = new Keyspace("billing", 64);

    private static JobIdentity identity(String lock, String run) {
        return new JobIdentity(lock.isEmpty() ? null : new LockKey(lock), run.isEmpty() ? null : new RunKey(run));
    }

    private static List<String> names(Keyspace.Keys keys) {
        return List.of(keys.lease(), keys.done(), keys.waiter(), keys.meta());
    }

    /** CRC16 (XMODEM) of the part between the first brace and the next closing one, as Redis Cluster computes it. */
    private static int slot(String key) {
        int open = key.indexOf('{');
        int close = key.indexOf('}', open + 1);
        String hashed = open >= 0 && close > open + 1 ? key.substring(open + 1, close) : key;
        int crc = 0;
        for (byte b : hashed.getBytes(StandardCharsets.UTF_8)) {
            crc ^= (b & 0xff) << 8;
            for (int bit = 0; bit < 8; bit++) {
                crc = ((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
            }
        }
        return crc % 16_384;
    }

    static Stream<JobIdentity> identities() {
        return Stream.of(
                identity("job", ""),
                identity("", "job@2026-01-01T00:00:00Z"),
                identity("{a}{b}", "}{"),
                identity("{}", "{}"),
                identity("x".repeat(512), "y".repeat(512)),
                identity("Grüße 日本語 🔒", "a b"));
    }

    @ParameterizedTest
    @MethodSource("identities")
    void all_keys_of_an_identity_are_in_one_slot(JobIdentity identity) {
        // Of "123456789" the cluster specification gives the checksum.
        assertThat(slot("123456789")).isEqualTo(0x31C3 % 16_384);
        for (Keyspace keyspace : List.of(single, cluster)) {
            assertThat(names(keyspace.of(identity)).stream()
                            .map(KeyspaceTest::slot)
                            .distinct())
                    .hasSize(1);
        }
    }

    @ParameterizedTest
    @MethodSource("identities")
    void keys_are_short_and_plain(JobIdentity identity) {
        assertThat(names(cluster.of(identity)))
                .allSatisfy(name -> assertThat(name)
                        .matches("hapax:\\{billing:\\d{1,2}}:[A-Za-z0-9._:/@#=+,~-]+")
                        .hasSizeLessThan(160));
    }

    @Test
    void short_plain_texts_stay_readable() {
        Keyspace.Keys keys = single.of(identity("invoice/42", "invoice/42@noon"));
        assertThat(keys.lease()).isEqualTo("hapax:{billing:0}:l:invoice/42");
        assertThat(keys.done()).isEqualTo("hapax:{billing:0}:d:invoice/42@noon");
        assertThat(keys.meta()).isEqualTo("hapax:{billing:0}:m");
        assertThat(single.of(identity("", "invoice/42")).lease()).isEqualTo("hapax:{billing:0}:r:invoice/42");
    }

    @Test
    void a_text_that_looks_like_a_digested_one_is_digested_itself() {
        String odd = "an odd one";
        String digested = single.of(identity(odd, "")).lease();
        String imitation = digested.substring("hapax:{billing:0}:l:".length());
        assertThat(single.of(identity(imitation, "")).lease()).isNotEqualTo(digested);
    }

    @Test
    void different_identities_have_different_leases() {
        List<String> texts =
                List.of("a", "a:", ":a", "l:a", "r:a", "d:a", "w:l:a", "m", "-", "a~", "A", "a b", "a_b", " a");
        Set<String> names = new HashSet<>();
        for (String text : texts) {
            names.add(single.of(identity(text, "")).lease());
            names.add(single.of(identity("", text)).lease());
            names.add(single.of(identity("", text)).done());
            names.add(single.of(identity(text, "")).waiter());
            names.add(single.of(identity("", text)).waiter());
        }
        names.add(single.meta(0));
        assertThat(names).hasSize(5 * texts.size() + 1);
    }

    @Test
    void an_identity_without_a_run_key_has_a_done_key_that_no_run_key_has() {
        String without = single.of(identity("job", "")).done();
        for (String text : List.of("-", ":", "~", "null", "none")) {
            assertThat(single.of(identity("job", text)).done()).isNotEqualTo(without);
        }
    }

    /** Texts as people choose them, and as somebody would who wants to meet another's key. */
    private static String adversarial(SplittableRandom random, List<String> stored) {
        String seen = stored.isEmpty() ? "x" : stored.get(random.nextInt(stored.size()));
        return switch (random.nextInt(7)) {
            case 0 -> "key-" + random.nextInt(500);
            case 1 -> "odd key " + random.nextInt(500);
            case 2 -> "x~" + Keyspace.digest("" + random.nextInt(50)).substring(0, 40);
            case 3 -> "k".repeat(115 + random.nextInt(12)) + random.nextInt(3);
            case 4 -> seen;
            case 5 -> seen.replace('_', random.nextBoolean() ? ' ' : '{');
            default -> seen + (random.nextBoolean() ? "~" : "0");
        };
    }

    @Test
    void two_keys_are_never_stored_under_one_name_and_names_that_are_read_back_lead_to_their_key() {
        long seed = Long.getLong(Histories.SEED, new SplittableRandom().nextLong());
        SplittableRandom random = new SplittableRandom(seed);
        Map<String, String> texts = new HashMap<>();
        List<String> names = new ArrayList<>();
        for (int n = 0; n < 5_000; n++) {
            String text = adversarial(random, names);
            for (boolean onRunKey : List.of(true, false)) {
                String key = cluster.of(onRunKey ? identity("", text) : identity(text, ""))
                        .lease();
                assertThat(texts.merge(key, text, (first, other) -> first))
                        .as("the text of %s, with -D%s=%d", key, Histories.SEED, seed)
                        .isEqualTo(text);
                assertThat(cluster.of(text, onRunKey).get(0).lease())
                        .as("where '%s' is looked for, with -D%s=%d", text, Histories.SEED, seed)
                        .isEqualTo(key);
                Keyspace.LeaseName name = Keyspace.leaseName(key);
                Holder holder = new Holder(OwnerId.random(), new FencingToken(1), "w", "", Instant.EPOCH);
                assertThat(cluster.of(new HeldLease(name.text(), onRunKey, holder, Duration.ZERO, false))
                                .get(0)
                                .lease())
                        .as("what was listed as '%s', with -D%s=%d", name.text(), Histories.SEED, seed)
                        .isEqualTo(key);
                names.add(name.text());
            }
        }
    }

    @Test
    void slots_of_a_key_are_of_a_kind_of_their_own_and_in_its_bucket() {
        Set<String> names = new HashSet<>();
        List<String> texts =
                List.of("rooms", "rooms #1", "rooms #2", "1:rooms", "2:rooms #1", "s:1:rooms", "odd rooms", "#1");
        for (String text : texts) {
            Keyspace.Keys key = cluster.of(identity(text, ""));
            names.addAll(List.of(key.lease(), key.waiter(), key.index()));
            for (int number = 1; number <= 12; number++) {
                Slot slot = new Slot(number, 12);
                Keyspace.Keys keys = cluster.of(new JobIdentity(new LockKey(text), null, slot));
                names.add(keys.lease());
                assertThat(List.of(keys.waiter(), keys.pause(), keys.family(), keys.index()))
                        .containsExactly(key.waiter(), key.pause(), key.lease(), key.index());
                assertThat(keys.bucket()).isEqualTo(key.bucket());
                Keyspace.LeaseName name = Keyspace.leaseName(keys.lease());
                assertThat(name.slot()).isEqualTo(number);
                Holder holder = new Holder(OwnerId.random(), new FencingToken(1), "w", "", Instant.EPOCH);
                assertThat(cluster.of(new HeldLease(name.text(), false, holder, Duration.ZERO, false, slot)))
                        .extracting(Keyspace.Keys::lease)
                        .containsExactly(keys.lease());
                assertThat(cluster.of(name.text(), false))
                        .extracting(Keyspace.Keys::lease)
                        .contains(keys.lease());
                assertThat(cluster.of(text + " #" + number, false))
                        .extracting(Keyspace.Keys::lease)
                        .contains(keys.lease());
            }
        }
        assertThat(names).hasSize(texts.size() * 15);
        assertThat(single.of(new JobIdentity(new LockKey("rooms"), null, new Slot(2, 3)))
                        .lease())
                .isEqualTo("hapax:{billing:0}:s:2:rooms");
    }

    @Test
    void in_the_first_format_a_slot_is_named_as_a_lock_key_of_its_text() {
        for (Keyspace keyspace : List.of(single, cluster)) {
            JobIdentity slot = new JobIdentity(new LockKey("rooms"), new RunKey("r"), new Slot(2, 3));
            assertThat(keyspace.of(slot, Added.FIRST_FORMAT))
                    .isEqualTo(keyspace.of(identity("rooms #2", "r"), Added.FIRST_FORMAT));
            assertThat(keyspace.bucketOf(slot))
                    .isEqualTo(keyspace.of(identity("rooms", "")).bucket());
        }
    }

    @Test
    void pauses_and_histories_meet_no_other_key() {
        Set<String> names = new HashSet<>();
        List<String> texts = List.of("a", "l:a", "r:a", "h:l:a", "o:a", "s:1:a", "1:a");
        for (String text : texts) {
            for (JobIdentity identity : List.of(identity(text, ""), identity("", text))) {
                names.add(single.of(identity).lease());
                names.add(single.of(identity).waiter());
                names.add(single.of(identity).pause());
            }
            names.add(single.of(identity("", text)).done());
            names.add(single.history(0, text));
            names.add(single.places(text));
        }
        assertThat(names).hasSize(texts.size() * 9);
        assertThat(single.of(identity("invoice/42", "r")).pause()).isEqualTo("hapax:{billing:0}:h:l:invoice/42");
    }

    @Test
    void identities_are_spread_over_all_buckets() {
        assertThat(IntStream.range(0, 2_000)
                        .map(i -> cluster.of(identity("job-" + i, "")).bucket())
                        .distinct())
                .hasSize(64)
                .allMatch(bucket -> bucket >= 0 && bucket < 64);
    }
}

package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The text under which Redis keeps a lease. */
class StoredLeaseTest {

    private static Lease lease(String worker, String run) {
        return new Lease(
                new JobIdentity(new LockKey("k"), new RunKey(run)),
                new OwnerId("owner-1"),
                new FencingToken(1_795_407_991_747_801L),
                worker,
                Duration.ofSeconds(30),
                Instant.parse("2026-11-23T07:00:00.123456Z"));
    }

    @Test
    void what_is_written_is_read_again() {
        StoredLease written = StoredLease.of(lease("host-1/4711", "report@noon"), Added.FORMAT);
        StoredLease read = StoredLease.parse(written.toString());
        assertThat(read).isEqualTo(written);
        assertThat(read.since()).isEqualTo(Instant.parse("2026-11-23T07:00:00.123456Z"));
        assertThat(read.token().value()).isEqualTo(1_795_407_991_747_801L);
    }

    @Test
    void texts_for_people_cannot_forge_fields_or_lines_and_are_bounded() {
        StoredLease read =
                StoredLease.parse(StoredLease.of(lease("a|b\nc\u0000\u0085|", "r|" + "é".repeat(240)), Added.FORMAT)
                        .toString());
        assertThat(read.worker()).isEqualTo("a_b_c___");
        assertThat(read.run()).startsWith("r_é").hasSize(200);
        assertThat(read.owner()).isEqualTo(new OwnerId("owner-1"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                "owner|1",
                "owner|1|2|-|w",
                "owner|-1|2|-|w|r",
                "owner|1e9|2|-|w|r",
                "ow ner|1|2|-|w|r",
                "owner|99999999999999999999|2|-|w|r",
                "owner|1|2|-|w|r|more",
                "owner|1|2|-|w|r|2|more",
                "owner|1|2|-|w|r|2|outcome=LOST",
                "owner|1|2|-|w|r|2|limit=many"
            })
    void a_value_that_is_not_ours_is_trouble_with_the_store(String foreign) {
        assertThatThrownBy(() -> StoredLease.parse(foreign))
                .isInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("that Hapax did not write");
    }

    @Test
    void how_an_occurrence_ended_is_written_and_read_and_what_is_not_known_is_left_out() {
        StoredLease failed = StoredLease.parse("owner|1|2|-|w|r|2|new=x|outcome=FAILED|more=");
        assertThat(failed.added().outcome()).isEqualTo(OccurrenceOutcome.FAILED);
        assertThat(failed).hasToString("owner|1|2|-|w|r|2|outcome=FAILED");
        for (String plain : List.of("owner|1|2|-|w|r", "owner|1|2|-|w|r|1", "owner|1|2|-|w|r|2|new=x")) {
            assertThat(StoredLease.parse(plain).added()).isEqualTo(Added.NOTHING);
        }
    }

    @Test
    void a_lease_on_a_slot_states_its_limit_but_not_to_workers_of_the_version_before() {
        Lease plain = lease("w", "r");
        JobIdentity slot = new JobIdentity(new LockKey("k"), null, new Slot(2, 3));
        Lease lease = new Lease(slot, plain.owner(), plain.token(), plain.worker(), plain.ttl(), plain.since());
        String written = StoredLease.of(lease, Added.FORMAT).toString();
        assertThat(written).endsWith("|-|w||2|limit=3");
        assertThat(StoredLease.parse(written).added().limit()).isEqualTo(3);
        assertThat(StoredLease.of(lease, Added.FIRST_FORMAT).toString()).endsWith("|-|w|");
    }

    @ParameterizedTest
    @ValueSource(strings = {"owner|1|2|-|w|r|3", "owner|1|2|-|w|r|17|FAILED|and more"})
    void what_a_later_version_has_written_is_refused_as_such(String later) {
        assertThatThrownBy(() -> StoredLease.parse(later))
                .isInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("later version")
                .hasMessageContaining("Upgrade this worker");
    }
}

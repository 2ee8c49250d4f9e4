package io.hapax.lease;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LeaseTest {

    private static final JobIdentity KEYS = new JobIdentity(new LockKey("invoice/42"), null);
    private static final Duration TTL = Duration.ofSeconds(30);
    private static final Instant SINCE = Instant.parse("2026-11-30T01:02:03.456789001Z");

    private static Lease lease(OwnerId owner, Instant since) {
        return new Lease(KEYS, owner, new FencingToken(7), "w1", TTL, since);
    }

    @Test
    void says_what_it_was_given() {
        List<OwnerId> owners = List.of(OwnerId.random(), new OwnerId("run-1"), new OwnerId("A".repeat(64)));
        List<Instant> instants = List.of(SINCE, Instant.EPOCH, Instant.EPOCH.minusNanos(1), Instant.MIN, Instant.MAX);
        for (OwnerId owner : owners) {
            for (Instant since : instants) {
                Lease lease = lease(owner, since);
                assertThat(lease.identity()).isEqualTo(KEYS);
                assertThat(lease.owner()).isEqualTo(owner).hasToString(owner.value());
                assertThat(lease.token()).isEqualTo(new FencingToken(7));
                assertThat(lease.worker()).isEqualTo("w1");
                assertThat(lease.ttl()).isEqualTo(TTL);
                assertThat(lease.since()).isEqualTo(since);
            }
        }
    }

    @Test
    void equals_only_what_says_the_same() {
        OwnerId owner = new OwnerId("run-1");
        Lease lease = lease(owner, SINCE);
        assertThat(lease).isEqualTo(lease(owner, SINCE)).hasSameHashCodeAs(lease(owner, SINCE));
        Stream.of(
                        lease(OwnerId.random(), SINCE),
                        lease(owner, SINCE.plusNanos(1)),
                        lease(owner, SINCE.plusSeconds(1)),
                        new Lease(new JobIdentity(new LockKey("other"), null), owner, lease.token(), "w1", TTL, SINCE),
                        new Lease(KEYS, owner, new FencingToken(8), "w1", TTL, SINCE),
                        new Lease(KEYS, owner, lease.token(), "w2", TTL, SINCE),
                        new Lease(KEYS, owner, lease.token(), "w1", TTL.plusNanos(1), SINCE))
                .forEach(other -> assertThat(other).isNotEqualTo(lease));
        assertThat(lease)
                .hasToString("Lease[identity=lock invoice/42, owner=run-1, token=7, worker=w1, ttl=PT30S,"
                        + " since=2026-11-30T01:02:03.456789001Z]");
    }
}

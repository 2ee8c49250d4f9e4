package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.Slot;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Renewals that are asked for together go in few calls, whatever differs among them, and each gets its own answer. */
class MixedRenewalsTest {

    private static final Duration LONG = Duration.ofMinutes(5);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = Fixture.store(redis.url())
            .namespace("mixed")
            .longestTtl(Duration.ofMinutes(30))
            .firstStart(WallClock.now())
            .build();

    @AfterEach
    void stop() {
        store.close();
        redis.close();
    }

    private Lease taken(JobIdentity identity, String owner, Duration ttl) {
        return granted(get(store.acquire(new LeaseRequest(identity, new OwnerId(owner), "tester", ttl, false))));
    }

    private long left(String key) {
        return Long.parseLong(redis.command("PTTL", "hapax:{mixed:0}:" + key));
    }

    @Test
    void owners_of_any_length_keys_of_any_kind_and_any_ttl_are_renewed() {
        List<Lease> leases = new ArrayList<>();
        List<String> keys = new ArrayList<>();
        for (int n = 0; n < 300; n++) {
            boolean ofSlot = n % 7 == 3;
            JobIdentity identity = ofSlot ? new JobIdentity(new LockKey("k" + n), null, new Slot(2, 3)) : lock("k" + n);
            leases.add(taken(identity, "o".repeat(1 + n % 5) + n, LONG.plusSeconds(n % 3)));
            keys.add((ofSlot ? "s:2:" : "l:") + "k" + n);
            redis.command("PEXPIRE", "hapax:{mixed:0}:" + keys.get(n), "200000");
        }

        assertThat(get(store.renew(leases))).hasSize(300).containsOnly(new Renewal.Renewed(false));

        for (int n = 0; n < 300; n++) {
            long most = leases.get(n).ttl().toMillis();
            assertThat(left(keys.get(n))).as(keys.get(n)).isBetween(201_000L, most);
        }
    }

    @Test
    void what_is_another_owners_or_another_grants_is_left_alone_wherever_it_is_among_the_others() {
        List<Lease> asked = new ArrayList<>();
        List<Integer> gone = new ArrayList<>();
        for (int n = 0; n < 40; n++) {
            Lease lease = taken(lock("k" + n), "owner-" + (10 + n), LONG);
            redis.command("PEXPIRE", "hapax:{mixed:0}:l:k" + n, "200000");
            switch (n % 8) {
                // Of the same length, so that it is in the same call as those that are held.
                case 1 ->
                    asked.add(like(lease, "owner-" + (50 + n), lease.token().value()));
                case 3 ->
                    asked.add(like(lease, lease.owner().value(), lease.token().value() - 1));
                case 5 -> {
                    redis.command("DEL", "hapax:{mixed:0}:l:k" + n);
                    asked.add(lease);
                }
                // The beginning of the owner's name and nothing more.
                case 7 -> asked.add(like(lease, "owner", lease.token().value()));
                default -> {
                    asked.add(lease);
                    continue;
                }
            }
            gone.add(n);
        }

        List<Renewal> answers = get(store.renew(asked));

        for (int n = 0; n < 40; n++) {
            if (gone.contains(n)) {
                assertThat(answers.get(n)).as("k" + n).isInstanceOf(Renewal.Gone.class);
                assertThat(left("l:k" + n)).as("k" + n).isLessThanOrEqualTo(200_000);
            } else {
                assertThat(answers.get(n)).as("k" + n).isEqualTo(new Renewal.Renewed(false));
                assertThat(left("l:k" + n)).as("k" + n).isGreaterThan(200_000);
            }
        }
    }

    private static Lease like(Lease lease, String owner, long token) {
        return new Lease(
                lease.identity(),
                new OwnerId(owner),
                new FencingToken(token),
                lease.worker(),
                lease.ttl(),
                lease.since());
    }
}

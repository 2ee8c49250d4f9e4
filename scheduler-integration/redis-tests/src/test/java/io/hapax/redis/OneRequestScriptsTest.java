package io.hapax.redis;

import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.redisson.api.RedissonClient;

/**
 * The scripts that do the plain case alone, and after them the ones for every case where they have nothing to say, come to the same
 * as the latter by themselves: in whatever state a bucket is, the answer is the same, and so is what is kept afterwards.
 */
class OneRequestScriptsTest {

    /** Half of them are the same each time, so that each way through the scripts is taken. */
    private static final int STATES = 200;

    private static final Duration TTL = Duration.ofSeconds(2_000);
    private static final OwnerId OWN = new OwnerId("own");

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final long now = ChronoUnit.MICROS.between(Instant.EPOCH, WallClock.now());
    private final String epoch = Long.toString(now - 10_000_000);
    private final Namespace one = namespace("one");
    private final Namespace many = namespace("many");
    private final Map<String, Integer> answered = new HashMap<>();

    private static Namespace namespace(String name) {
        RedissonClient none = (RedissonClient) Proxy.newProxyInstance(
                RedissonClient.class.getClassLoader(),
                new Class<?>[] {RedissonClient.class},
                (proxy, method, arguments) -> null);
        return Namespace.of(
                new Keyspace(name, 1),
                Quarantine.of(TTL, Duration.ofMillis(500), new FirstStart(WallClock.now(), WallClock.REAL), false),
                new MemoryLog(name, "there", Ticker.SYSTEM),
                new ScriptCalls(
                        Client.given(none),
                        new FirstConnection(false),
                        Duration.ofMillis(500),
                        "there",
                        "hapax:{" + name + ":0}:m",
                        InstantSource.fixed(Instant.EPOCH)),
                Added.FORMAT);
    }

    @AfterEach
    void stop() {
        redis.close();
    }

    private static String said(EmbeddedRedis redis, String section, String field) {
        return redis.command("INFO", section)
                .lines()
                .filter(line -> line.startsWith(field + ":"))
                .map(line -> line.substring(field.length() + 1).trim())
                .findFirst()
                .orElseThrow();
    }

    /** A state of a bucket, and what is asked of it, the same in each namespace. */
    private final class Scene {
        final SplittableRandom random;
        final int flag;
        /** Whether more have waited than a flag names. */
        final boolean crowded;

        final String run = said(redis, "server", "run_id");
        final String master = said(redis, "replication", "master_replid");

        Scene(long seed) {
            random = new SplittableRandom(seed);
            flag = (int) Math.floorMod(seed, 4L);
            crowded = Math.floorMod(seed, 8L) > 5;
        }

        private boolean chance(int percent) {
            return random.nextInt(100) < percent;
        }

        private Namespace set(Namespace namespace) {
            String tag = namespace.keyspace().tags().get(0);
            if (!chance(5)) {
                meta(tag + "m");
            }
            lease(tag + "l:k");
            kept(tag + "d:r", 25, "other|77|" + now + "|" + "a".repeat(32) + "|w|r|2|outcome=failed");
            kept(
                    tag + "w:l:k",
                    25,
                    List.of("1", "1;a;", "1;a;b;", "2;*;a;").get(flag) + (crowded ? "process;".repeat(200) : ""));
            kept(tag + "h:l:k", 15, now + "|somebody|why");
            kept(tag + "i:k", 15, "1=2,2=2");
            if (chance(15)) {
                redis.command("SET", tag + "s:2:k", "other|78|" + now + "|-|w||2|limit=2", "PX", "1500000");
            }
            Bucket bucket = namespace.buckets().get(0);
            bucket.saw(chance(95) ? epoch : Long.toString(now - 99_000_000));
            bucket.sawToken(chance(20) ? now + 5_000_000 : 7);
            return namespace;
        }

        private void meta(String key) {
            List<String> words = new ArrayList<>(List.of("HSET", key));
            boolean same = chance(95);
            words.addAll(List.of("run", same ? run : "f".repeat(40)));
            // Ahead of the clock by more than a moment, as it was set back.
            String seen = chance(95) ? epoch : Long.toString(now + 900_000_000);
            words.addAll(List.of("seen", seen, "until", chance(85) ? seen : Long.toString(now + 3_000_000_000L)));
            words.addAll(List.of("why", chance(90) ? "new" : "replaced"));
            if (chance(90)) {
                words.addAll(List.of("last", Long.toString(chance(80) ? now - 5_000_000 : now + 3_600_000_000L)));
            }
            if (chance(90)) {
                words.addAll(List.of("calm", (same && chance(90) ? master : "0".repeat(40)) + epoch));
            }
            redis.command(words.toArray(String[]::new));
        }

        private void lease(String key) {
            switch (random.nextInt(10)) {
                case 0, 1 -> redis.command("SET", key, "other|77|" + now + "|-|w|", "PX", "1500000");
                case 2, 3, 4 -> redis.command("SET", key, "own|76|" + now + "|-|w|", "PX", "1500000");
                case 5 -> redis.command("SET", key, "forced|79|" + now + "|-|somebody|", "PX", "1500000");
                case 6 -> {
                    if (chance(50)) {
                        redis.command("SET", key, "other|77|" + now + "|-|w|");
                    } else {
                        redis.command("SET", key, "other|77|" + now + "|-|w|", "PX", "36000000");
                    }
                }
                case 7 -> {
                    if (chance(40)) {
                        redis.command("LPUSH", key, "no lease");
                    }
                }
                default -> {}
            }
        }

        private void kept(String key, int percent, String value) {
            if (chance(percent)) {
                if (chance(90)) {
                    redis.command("SET", key, value, "PX", "1500000");
                } else {
                    redis.command("LPUSH", key, "no text");
                }
            }
        }

        Request<?> asked(Namespace namespace) {
            JobIdentity identity = new JobIdentity(new LockKey("k"), chance(50) ? new RunKey("r") : null);
            if (chance(50)) {
                boolean waiting = chance(50);
                LeaseRequest plain = request(identity, TTL);
                OwnerId owner = chance(90) ? new OwnerId("asker") : OWN;
                return new AcquireRequest(
                        namespace, new LeaseRequest(identity, owner, plain.worker(), plain.ttl(), waiting));
            }
            FencingToken token = new FencingToken(chance(80) ? 76 : 75);
            Lease lease = new Lease(identity, OWN, token, "w", TTL, Instant.EPOCH.plus(now, ChronoUnit.MICROS));
            Ending ending = chance(50) ? Ending.NOT_DONE : Ending.done(Duration.ofSeconds(1_200));
            return ReleaseRequest.of(namespace, lease, chance(30) ? ending.inHistoryOf("job") : ending);
        }
    }

    private static String eval(EmbeddedRedis redis, String script, List<Object> keys, List<?> arguments) {
        List<String> words = new ArrayList<>(List.of("EVAL", script, Integer.toString(keys.size())));
        keys.forEach(key -> words.add((String) key));
        arguments.forEach(argument -> words.add((String) argument));
        return redis.command(words.toArray(String[]::new));
    }

    private String byOneForMany(Namespace namespace, Request<?> request) {
        Batch batch = new Batch(namespace, List.of(request));
        String answer = eval(redis, Script.EXCHANGE.text(), batch.keys(), batch.arguments());
        return answer.substring(answer.indexOf('\n') + 1);
    }

    private String asOne(Namespace namespace, Request<?> request) {
        Request.Alone alone = request.alone();
        if (alone == null) {
            return byOneForMany(namespace, request);
        }
        String answer = eval(redis, alone.script().text(), alone.keys(), alone.arguments());
        String kind = alone.script() + " " + (answer.isEmpty() ? "left" : answer.split("\n", -1)[1]);
        answered.merge(kind, 1, Integer::sum);
        return answer.isEmpty() ? byOneForMany(namespace, request) : answer.substring(answer.indexOf('\n') + 1);
    }

    /** Times, and tokens, which are times, differ between two that are asked one after the other, and so do processes. */
    private String plain(String text) {
        return text.replace(one.waiter(), "waiter")
                .replace(many.waiter(), "waiter")
                .replaceAll("\\{(one|many):0}", "{}")
                .replaceAll("(?<![0-9a-f])\\d{4,}(?![0-9a-f])", "N");
    }

    /** Everything that is kept, each key with how long for, so coarsely that a slow machine makes no difference. */
    private List<String> kept(String namespace) {
        String all = redis.command("EVAL", """
                local all = {}
                for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
                  local kind, value = redis.call('TYPE', key).ok
                  if kind == 'hash' then
                    value = ''
                    for _, field in ipairs({'run', 'seen', 'until', 'last', 'why'}) do
                      value = value .. field .. '=' .. (redis.call('HGET', key, field) or '') .. ' '
                    end
                  elseif kind == 'list' then
                    value = table.concat(redis.call('LRANGE', key, 0, -1), ' ')
                  else
                    value = redis.call('GET', key)
                  end
                  all[#all + 1] = key .. ' = ' .. value .. ' for ' .. math.floor(redis.call('PTTL', key) / 100000 + 0.5)
                end
                return all
                """, "0", "hapax:{" + namespace + ":0}:*");
        return plain(all).lines().sorted().toList();
    }

    private static long seed(int state) {
        return state < STATES / 2 ? state : Long.getLong(Histories.SEED, new SplittableRandom().nextLong());
    }

    @Test
    void they_come_to_the_same_in_every_state() {
        for (int n = 0; n < STATES; n++) {
            long seed = seed(n);
            redis.command("FLUSHALL");
            Scene[] scenes = {new Scene(seed), new Scene(seed)};
            Request<?> alone = scenes[0].asked(scenes[0].set(one));
            Request<?> shared = scenes[1].asked(scenes[1].set(many));
            List<String> before = kept("one");
            assertThat(before).isEqualTo(kept("many"));
            String answer = asOne(one, alone);
            String expected = byOneForMany(many, shared);
            String where = "-D" + Histories.SEED + "=" + seed + " from " + before + " asked " + alone.arguments();
            assertThat(plain(answer)).as(where).isEqualTo(plain(expected));
            assertThat(kept("one")).as(where).isEqualTo(kept("many"));
        }
        // Each of the ways that there are was taken.
        assertThat(answered)
                .containsKeys("ACQUIRE 1", "ACQUIRE 0", "ACQUIRE 3", "ACQUIRE left", "RELEASE 1", "RELEASE left");
    }

    private static String renewed(EmbeddedRedis redis, Namespace namespace, List<String> names) {
        String tag = namespace.keyspace().tags().get(0);
        List<Object> keys = new ArrayList<>(List.of(tag + "m"));
        List<String> arguments = new ArrayList<>(List.of(
                namespace.buckets().get(0).epoch(),
                namespace.quarantine().whenNew(),
                namespace.quarantine().whenLost(),
                ""));
        for (String name : names) {
            keys.add(tag + "l:" + name);
            arguments.addAll(List.of("own", "76", Long.toString(TTL.toMillis()), "own|76|1700000000000000|-|w|"));
        }
        String answer = eval(redis, Script.RENEW.text(), keys, arguments);
        return answer.substring(answer.indexOf('\n') + 1);
    }

    private String extended(List<String> names, boolean oneTtl) {
        List<Object> keys = new ArrayList<>(List.of("hapax:{one:0}:m"));
        StringBuilder leases = new StringBuilder();
        names.forEach(name -> leases.append("own|76|").append("l:").append(name).append('|'));
        List<String> arguments = new ArrayList<>(List.of(one.buckets().get(0).epoch(), "7", leases.toString()));
        for (int n = 0; n < (oneTtl ? 1 : names.size()); n++) {
            arguments.add(Long.toString(TTL.toMillis()));
        }
        String answer = eval(redis, Script.EXTEND.text(), keys, arguments);
        if (answer.isEmpty()) {
            answered.merge("left", 1, Integer::sum);
            return renewed(redis, one, names);
        }
        List<String> left = new ArrayList<>();
        List<String> numbers = List.of(answer.split("\n", -1));
        for (String number : numbers.subList(1, numbers.size())) {
            left.add(names.get(Integer.parseInt(number) - 1));
        }
        answered.merge(left.size() + " left", 1, Integer::sum);
        List<String> rest =
                left.isEmpty() ? List.of() : List.of(renewed(redis, one, left).split("\n", -1));
        List<String> all = new ArrayList<>();
        for (String name : names) {
            all.add(left.contains(name) ? rest.get(left.indexOf(name)) : "1");
        }
        return String.join("\n", all);
    }

    @Test
    void a_renewal_comes_to_the_same_in_every_state() {
        List<String> names = List.of("k", "j", "i");
        for (int n = 0; n < STATES; n++) {
            long seed = seed(n);
            redis.command("FLUSHALL");
            for (Namespace namespace : List.of(one, many)) {
                Scene scene = new Scene(seed);
                scene.set(namespace);
                String tag = namespace.keyspace().tags().get(0);
                names.subList(1, 3).forEach(name -> scene.lease(tag + "l:" + name));
            }
            List<String> before = kept("one");
            String answer = extended(names, n % 2 == 0);
            String expected = renewed(redis, many, names);
            String where = "-D" + Histories.SEED + "=" + seed + " from " + before;
            assertThat(plain(answer)).as(where).isEqualTo(plain(expected));
            assertThat(kept("one")).as(where).isEqualTo(kept("many"));
        }
        assertThat(answered).containsKeys("left", "0 left", "1 left", "2 left", "3 left");
    }

    /** What they must never do by themselves: whoever looks at the server first begins a quarantine. */
    @Test
    void a_server_that_is_not_the_one_that_was_noted_grants_nothing_by_them() {
        Set<String> refused = new HashSet<>();
        List<List<String>> changes = List.of(
                List.of("HDEL", "calm"),
                List.of("HSET", "calm", "0".repeat(40) + epoch),
                List.of("HSET", "seen", Long.toString(now)),
                List.of("HSET", "until", Long.toString(now + 900_000_000)),
                List.of("HDEL", "last"),
                List.of("HDEL", "until"));
        for (List<String> change : changes) {
            redis.command("FLUSHALL");
            calm(redis);
            assertThat(ask(redis)).as("as it was noted").isEqualTo("1");
            redis.command("DEL", "hapax:{one:0}:l:k");
            List<String> words = new ArrayList<>(List.of(change.get(0), "hapax:{one:0}:m"));
            words.addAll(change.subList(1, change.size()));
            redis.command(words.toArray(String[]::new));
            assertThat(ask(redis)).as("%s", change).isEmpty();
            assertThat(redis.command("EXISTS", "hapax:{one:0}:l:k").trim()).isEqualTo("0");
            refused.add(change.toString());
        }
        assertThat(refused).hasSameSizeAs(changes);
    }

    @Test
    void a_server_that_was_a_replica_meanwhile_grants_nothing_by_them_however_short_that_was() {
        calm(redis);
        assertThat(ask(redis)).isEqualTo("1");
        redis.command("DEL", "hapax:{one:0}:l:k");
        redis.command("REPLICAOF", "127.0.0.1", "1");
        redis.command("REPLICAOF", "NO", "ONE");
        assertThat(ask(redis)).isEmpty();
    }

    @Test
    void a_token_is_above_all_that_the_bucket_and_the_caller_have_seen() {
        calm(redis);
        long ahead = now + 3_600_000_000L;
        redis.command("HSET", "hapax:{one:0}:m", "last", Long.toString(ahead));
        assertThat(token()).isEqualTo(ahead + 1);
        one.buckets().get(0).sawToken(ahead + 7);
        redis.command("DEL", "hapax:{one:0}:l:k");
        assertThat(token()).isEqualTo(ahead + 8);
        assertThat(redis.command("HGET", "hapax:{one:0}:m", "last").trim()).isEqualTo(Long.toString(ahead + 8));
    }

    private long token() {
        assertThat(ask(redis)).isEqualTo("1");
        return Long.parseLong(redis.command("GET", "hapax:{one:0}:l:k").split("\\|", -1)[1]);
    }

    @ParameterizedTest
    @ValueSource(strings = {"no", "yes"})
    void a_server_that_was_restarted_with_all_its_data_grants_nothing_by_them(String logged) {
        try (EmbeddedRedis other = EmbeddedRedis.start("--appendonly", logged)) {
            calm(other);
            assertThat(ask(other)).isEqualTo("1");
            other.command("DEL", "hapax:{one:0}:l:k");
            if (logged.equals("no")) {
                other.command("SAVE");
                other.kill();
            }
            other.restart();
            assertThat(other.command("HGET", "hapax:{one:0}:m", "calm")).endsWith(epoch);
            assertThat(ask(other)).isEmpty();
        }
    }

    private void calm(EmbeddedRedis redis) {
        String master = said(redis, "replication", "master_replid");
        redis.command(
                "HSET",
                "hapax:{one:0}:m",
                "seen",
                epoch,
                "until",
                epoch,
                "last",
                "5",
                "calm",
                master + epoch,
                "run",
                said(redis, "server", "run_id"));
        one.buckets().get(0).saw(epoch);
    }

    private String ask(EmbeddedRedis redis) {
        Request.Alone alone = new AcquireRequest(one, request(new JobIdentity(new LockKey("k"), null), TTL)).alone();
        assertThat(alone).isNotNull();
        String answer = eval(redis, alone.script().text(), alone.keys(), alone.arguments());
        return answer.isEmpty() ? "" : answer.split("\n", -1)[1];
    }
}

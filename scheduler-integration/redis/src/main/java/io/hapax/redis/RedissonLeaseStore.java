package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.RScript.ReturnType;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/**
 * Leases in one Redis (7.0 or newer), one behind Sentinel, or a Cluster. Thread-safe.
 *
 * <p>Each call is one round trip. Time is the server's. A server that is new, was emptied, restarted or promoted grants
 * nothing for a while (quarantine), so that holders of leases it has forgotten can show themselves.
 */
public final class RedissonLeaseStore implements LeaseStore {

    private static final int CLUSTER_BUCKETS = 64;

    // Codes of acquire.lua; 2 is quarantine.
    private static final int HELD = 0;
    private static final int GRANTED = 1;
    private static final int DONE = 3;

    /** Redis is held for well below a millisecond by this many renewals. */
    private static final int RENEWALS_PER_CALL = 200;

    private final RedissonClient redisson;
    private final boolean ownsClient;
    private final Keyspace keyspace;
    private final Bucket[] buckets;
    private final ScriptCalls scripts;
    private final WakeUps wakeUps;
    private final Duration answerTimeout;
    private final Duration longestTtl;
    private final long quarantineNew;
    private final long quarantineLost;

    private RedissonLeaseStore(Builder builder, RedissonClient redisson, boolean ownsClient, String server) {
        Config config = redisson.getConfig();
        boolean cluster = config.isClusterConfig();
        this.redisson = redisson;
        this.ownsClient = ownsClient;
        this.keyspace = new Keyspace(builder.namespace, cluster ? CLUSTER_BUCKETS : 1);
        this.buckets = IntStream.range(0, keyspace.buckets())
                .mapToObj(i -> new Bucket(server, builder.namespace))
                .toArray(Bucket[]::new);
        this.scripts = new ScriptCalls(redisson, builder.answerTimeout, server);
        this.wakeUps = new WakeUps(redisson, keyspace.channel());
        this.answerTimeout = builder.answerTimeout;
        this.longestTtl = builder.longestTtl;
        long longest = longestTtl.toMillis();
        this.quarantineNew = builder.fresh ? 0 : longest / 3 + 2 * answerTimeout.toMillis();
        // A frozen master may still renew before it notices its promotion's loss: twice the ttl where there are
        // replicas.
        this.quarantineLost = (config.isSingleConfig() ? longest * 11 / 10 : longest * 22 / 10) + 1000;
    }

    /**
     * Opens a store with a client of its own, in the namespace {@code default}.
     *
     * @param url {@code redis://} or {@code rediss://}, with user and password if needed
     * @return the store; the caller closes it
     * @throws IllegalArgumentException if the address cannot be used
     * @throws LeaseStoreException if Redis cannot be reached, or refuses
     */
    public static RedissonLeaseStore connect(String url) {
        return builder().url(url).build();
    }

    /**
     * Starts to build a store.
     *
     * @return the builder
     */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        if (request.ttl().compareTo(longestTtl) > 0) {
            throw new IllegalArgumentException(
                    "a ttl of " + request.ttl() + " is longer than the longest one, " + longestTtl
                            + ", on which the quarantine is built. Use a shorter ttl, or set longestTtl on every worker");
        }
        JobIdentity identity = request.identity();
        Keyspace.Keys keys = keyspace.of(identity);
        Bucket bucket = buckets[keys.bucket()];
        CompletableFuture<List<Object>> answer = scripts.call(
                Script.ACQUIRE,
                ReturnType.LIST,
                List.of(keys.lease(), keys.done(), keys.waiter(), keys.meta()),
                request.owner().value(),
                Long.toString(request.ttl().toMillis()),
                Keyspace.runDigest(identity),
                StoredLease.people(request.worker(), identity),
                request.waiting() ? "1" : "0",
                bucket.epoch(),
                Long.toString(quarantineNew),
                Long.toString(quarantineLost),
                Long.toString(bucket.highestToken()));
        return answer.thenApply(list -> acquisition(request, bucket, list));
    }

    private Acquisition acquisition(LeaseRequest request, Bucket bucket, List<Object> answer) {
        int code = ((Long) answer.get(0)).intValue();
        String epoch = (String) answer.get(1);
        String value = (String) answer.get(2);
        Duration left = Duration.ofMillis((Long) answer.get(3));
        bucket.saw(epoch);
        return switch (code) {
            case GRANTED -> granted(request, bucket, StoredLease.parse(value));
            case HELD -> held(request.identity(), StoredLease.parse(value), left);
            case DONE -> new Acquisition.Done(StoredLease.parse(value).holder());
            default -> quarantined(bucket, epoch, value, left);
        };
    }

    private static Acquisition granted(LeaseRequest request, Bucket bucket, StoredLease lease) {
        bucket.sawToken(lease.token().value());
        return new Acquisition.Granted(new Lease(
                request.identity(), request.owner(), lease.token(), request.worker(), request.ttl(), lease.since()));
    }

    private static Acquisition held(JobIdentity identity, StoredLease lease, Duration left) {
        boolean sameRun = identity.runKey() != null && lease.runDigest().equals(Keyspace.runDigest(identity));
        return new Acquisition.Held(lease.holder(), sameRun, left);
    }

    private static Acquisition quarantined(Bucket bucket, String epoch, String why, Duration left) {
        String reason = why.equals("new")
                ? "this namespace is new here, or its Redis was emptied: waiting for live holders to show themselves"
                : "Redis was restarted or failed over: waiting until every lease it may have forgotten has run out";
        bucket.tellQuarantine(epoch, reason, left.toMillis());
        return new Acquisition.Quarantined(left, reason);
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        Renewal[] answers = new Renewal[leases.size()];
        List<CompletableFuture<Void>> calls = new ArrayList<>();
        for (List<Integer> chunk : chunks(leases)) {
            calls.add(renewChunk(leases, chunk, answers));
        }
        return CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new)).thenApply(all -> List.of(answers));
    }

    /** Indices of leases that may go into one call: same bucket, at most {@link #RENEWALS_PER_CALL}. */
    private List<List<Integer>> chunks(List<Lease> leases) {
        Map<Integer, List<Integer>> open = new HashMap<>();
        List<List<Integer>> all = new ArrayList<>();
        for (int i = 0; i < leases.size(); i++) {
            int bucket = keyspace.of(leases.get(i).identity()).bucket();
            List<Integer> chunk = open.get(bucket);
            if (chunk == null || chunk.size() == RENEWALS_PER_CALL) {
                chunk = new ArrayList<>();
                open.put(bucket, chunk);
                all.add(chunk);
            }
            chunk.add(i);
        }
        return all;
    }

    private CompletableFuture<Void> renewChunk(List<Lease> leases, List<Integer> chunk, Renewal[] answers) {
        Bucket bucket = buckets[keyspace.of(leases.get(chunk.get(0)).identity()).bucket()];
        List<Object> keys = new ArrayList<>();
        List<Object> args =
                new ArrayList<>(List.of(bucket.epoch(), Long.toString(quarantineNew), Long.toString(quarantineLost)));
        for (int i : chunk) {
            Lease lease = leases.get(i);
            Keyspace.Keys names = keyspace.of(lease.identity());
            if (keys.isEmpty()) {
                keys.add(names.meta());
            }
            keys.add(names.lease());
            args.add(lease.owner().value());
            args.add(lease.token().toString());
            args.add(Long.toString(lease.ttl().toMillis()));
            args.add(StoredLease.of(lease).toString());
        }
        CompletableFuture<List<Object>> call = scripts.call(Script.RENEW, ReturnType.LIST, keys, args.toArray());
        return call.handle((list, failure) -> {
            for (int n = 0; n < chunk.size(); n++) {
                answers[chunk.get(n)] = list == null ? unknown(failure) : renewal(list.get(n + 1));
            }
            if (list != null) {
                bucket.saw((String) list.get(0));
            }
            return null;
        });
    }

    private static Renewal unknown(@Nullable Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return new Renewal.Unknown(
                cause instanceof LeaseStoreException known
                        ? known
                        : new LeaseStoreException("the renewal failed: " + cause));
    }

    private static Renewal renewal(Object answer) {
        if (answer instanceof Long code) {
            return code == 0 ? new Renewal.Gone(null) : new Renewal.Renewed(code == 2);
        }
        String text = (String) answer;
        if (text.startsWith("!")) {
            return new Renewal.Unknown(
                    new LeaseStoreException("Redis could not renew this lease: " + text.substring(1)));
        }
        return new Renewal.Gone(StoredLease.parse(text).holder());
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return release(lease.identity(), StoredLease.of(lease), ending);
    }

    private CompletableFuture<Boolean> release(JobIdentity identity, StoredLease lease, Ending ending) {
        Keyspace.Keys keys = keyspace.of(identity);
        boolean marks = ending.isDone() && identity.runKey() != null;
        CompletableFuture<Long> answer = scripts.call(
                Script.RELEASE,
                ReturnType.LONG,
                List.of(keys.lease(), keys.done(), keys.waiter(), keys.meta()),
                lease.owner().value(),
                marks ? Long.toString(ending.retention().toMillis()) : "0",
                keyspace.channel(),
                lease.toString());
        return answer.thenApply(code -> code == 1);
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        StoredLease asked = new StoredLease(request.owner(), new FencingToken(1), 0, "-", "", "");
        return release(request.identity(), asked, Ending.NOT_DONE).thenApply(released -> null);
    }

    @Override
    public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
        CompletableFuture<@Nullable String> answer = scripts.call(
                Script.HOLDER, ReturnType.VALUE, List.of(keyspace.of(identity).lease()));
        return answer.thenApply(RedissonLeaseStore::holderOf);
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity) {
        Keyspace.Keys keys = keyspace.of(identity);
        CompletableFuture<@Nullable String> answer = scripts.call(
                Script.FORCE_RELEASE,
                ReturnType.VALUE,
                List.of(keys.lease(), keys.waiter(), keys.meta()),
                keyspace.channel());
        return answer.thenApply(RedissonLeaseStore::holderOf);
    }

    private static Optional<Holder> holderOf(@Nullable String value) {
        return Optional.ofNullable(value).map(text -> StoredLease.parse(text).holder());
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        return wakeUps.await(keyspace.of(identity).lease(), atMost);
    }

    String namespace() {
        return keyspace.namespace();
    }

    /** How many calls of {@link #nextChance} have not ended. */
    int waiters() {
        return wakeUps.waiters();
    }

    @Override
    public Duration answerTimeout() {
        return answerTimeout;
    }

    @Override
    public void close() {
        wakeUps.close();
        if (ownsClient) {
            redisson.shutdown(0, 2, TimeUnit.SECONDS);
        }
    }

    /** Collects the settings of a store. Not thread-safe. */
    public static final class Builder {

        private @Nullable String url;
        private @Nullable Path yaml;
        private @Nullable RedissonClient client;
        private String namespace = "default";
        private Duration answerTimeout = Duration.ofSeconds(2);
        private Duration longestTtl = Duration.ofSeconds(60);
        private boolean fresh;
        private boolean lazy;

        private Builder() {}

        /**
         * Connects to an address, with a client of the store's own.
         *
         * @param address {@code redis://user:password@host:port/database}, {@code rediss://} for TLS
         * @return this builder
         */
        public Builder url(String address) {
            this.url = address;
            return this;
        }

        /**
         * Connects as a Redisson configuration file says, with a client of the store's own: Sentinel, Cluster, TLS.
         *
         * @param file the YAML file
         * @return this builder
         */
        public Builder yaml(Path file) {
            this.yaml = file;
            return this;
        }

        /**
         * Uses a client of the application. It is not closed with the store. A client of the store's own is faster: see
         * {@link #url}.
         *
         * @param redisson the client; its codec does not matter
         * @return this builder
         */
        public Builder client(RedissonClient redisson) {
            this.client = redisson;
            return this;
        }

        /**
         * Keeps the leases of different applications apart. All replicas of one application need the same namespace.
         *
         * @param name 1 to 64 letters, digits, '.', '_' or '-'; by default {@code default}
         * @return this builder
         */
        public Builder namespace(String name) {
            this.namespace = name;
            return this;
        }

        /**
         * Bounds how long Redis may take to answer.
         *
         * @param timeout at least 20 ms; by default 2 s
         * @return this builder
         */
        public Builder answerTimeout(Duration timeout) {
            if (timeout.toMillis() < 20) {
                throw new IllegalArgumentException("setting answerTimeout: must be at least 20ms, was " + timeout);
            }
            this.answerTimeout = timeout;
            return this;
        }

        /**
         * Bounds the ttl of every lease in this namespace: as long as a Redis that lost its memory has to wait. Must be
         * the same on all workers.
         *
         * @param ttl by default 60 s
         * @return this builder
         */
        public Builder longestTtl(Duration ttl) {
            if (ttl.toMillis() < 100) {
                throw new IllegalArgumentException("setting longestTtl: must be at least 100ms, was " + ttl);
            }
            this.longestTtl = ttl;
            return this;
        }

        /**
         * Declares that nothing runs under this namespace yet, so that a new namespace need not wait for holders to
         * show themselves. For tests, demos and the first start ever.
         *
         * @param isFresh whether nothing runs
         * @return this builder
         */
        public Builder fresh(boolean isFresh) {
            this.fresh = isFresh;
            return this;
        }

        /**
         * Connects at the first use instead of now, so that an application can start while Redis is away.
         *
         * @param isLazy whether to wait
         * @return this builder
         */
        public Builder lazy(boolean isLazy) {
            this.lazy = isLazy;
            return this;
        }

        /**
         * Builds the store and, unless it is lazy, checks that Redis answers and allows what the guard needs.
         *
         * @return the store; the caller closes it
         * @throws IllegalArgumentException if a setting is wrong
         * @throws LeaseStoreException if Redis cannot be reached, is too old, or refuses; the message says how to mend it
         */
        public RedissonLeaseStore build() {
            Keyspace checked = new Keyspace(namespace, 1);
            long sources = Stream.of(url, yaml, client).filter(Objects::nonNull).count();
            if (sources != 1) {
                throw new IllegalArgumentException("the store of namespace " + checked.namespace()
                        + " needs exactly one of url, yaml and client, got " + sources);
            }
            if (client != null) {
                return probed(new RedissonLeaseStore(this, client, false, "the application's client"));
            }
            if (yaml != null) {
                return probed(fromYaml(yaml));
            }
            OwnClient.Address address = OwnClient.Address.parse(String.valueOf(url));
            return probed(open(address.toString(), () -> OwnClient.open(address, answerTimeout, lazy)));
        }

        private RedissonLeaseStore fromYaml(Path file) {
            try {
                Config config = Config.fromYAML(file.toFile());
                config.setLazyInitialization(lazy);
                return open(file.getFileName().toString(), () -> Redisson.create(config));
            } catch (IOException e) {
                throw new IllegalArgumentException(
                        "the Redisson configuration " + file + " cannot be read: " + e.getMessage(), e);
            }
        }

        private RedissonLeaseStore open(String server, Supplier<RedissonClient> opening) {
            RedissonClient opened;
            try {
                opened = opening.get();
            } catch (RuntimeException e) {
                throw new LeaseStoreException(
                        "cannot connect to Redis at " + server + ": " + RedisTrouble.explain(e), e);
            }
            return new RedissonLeaseStore(this, opened, true, server);
        }

        private RedissonLeaseStore probed(RedissonLeaseStore store) {
            if (!lazy) {
                try {
                    store.probe();
                } catch (RuntimeException e) {
                    store.close();
                    throw e;
                }
            }
            return store;
        }
    }

    /** Fails if the server is too old or forbids what the scripts need. */
    private void probe() {
        for (int i = 0; i < (keyspace.buckets() == 1 ? 1 : 2); i++) {
            CompletableFuture<String> answer = scripts.call(Script.PROBE, ReturnType.VALUE, List.of(keyspace.meta(i)));
            String version;
            try {
                version = answer.join();
            } catch (CompletionException e) {
                throw e.getCause() instanceof LeaseStoreException known
                        ? known
                        : new LeaseStoreException("Redis could not be probed", e);
            }
            if (Integer.parseInt(version.substring(0, version.indexOf('.'))) < 7) {
                throw new LeaseStoreException(
                        "Redis is version " + version
                                + ", but the guard needs 7.0 or newer (or Valkey): its scripts rely on effects being replicated");
            }
        }
    }
}

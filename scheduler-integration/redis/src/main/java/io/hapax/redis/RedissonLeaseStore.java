package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Finding;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.NamespaceRules;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservations;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import io.hapax.thread.GuardThreads;
import io.hapax.time.Ticker;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.RScript.ReturnType;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leases in one Redis (7.0 or newer), one behind Sentinel, or a Cluster. Thread-safe.
 *
 * <p>Each call is one round trip. Time is the server's. A server that is new, was emptied, restarted or promoted grants
 * nothing for a while (quarantine), so that holders of leases it has forgotten can show themselves.
 */
public final class RedissonLeaseStore implements AdministeredStore {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private static final int CLUSTER_BUCKETS = 64;
    /** Where what follows from an answer goes on: on the thread of the answer. */
    private static final Executor ITSELF = Runnable::run;
    /** How long closing may take for the good of others. */
    private static final Duration LEAVING = Duration.ofMillis(500);

    private final Client client;
    private final Namespace namespace;
    private final Exchange exchange;
    private final LeaseStore blocking;
    private final Agreement agreement;
    private final Sweep sweep;
    private final Introduction introduction;
    private final Renewals renewals;
    private final FirstConnection connection;
    private final WakeUps wakeUps;
    private final Duration answerTimeout;
    private final Duration longestTtl;
    private final String server;

    private static FirstStart firstStart(Builder builder) {
        return new FirstStart(builder.firstStart, InstantSource.system());
    }

    /** @param another opens another client like the first one; null if that is the application's */
    private RedissonLeaseStore(
            Builder builder, RedissonClient redisson, @Nullable Supplier<RedissonClient> another, String server) {
        Config config = redisson.getConfig();
        this.server = server;
        this.answerTimeout = builder.answerTimeout;
        this.longestTtl = builder.longestTtl;
        this.connection = new FirstConnection(builder.lazy);
        InstantSource system = InstantSource.system();
        FirstStart first = firstStart(builder);
        Keyspace keyspace =
                new Keyspace(NamespaceRules.chosen(builder.namespace), config.isClusterConfig() ? CLUSTER_BUCKETS : 1);
        this.client = new Client(redisson, another, keyspace.metas(), answerTimeout, server, Ticker.SYSTEM);
        this.namespace = Namespace.of(
                keyspace,
                Quarantine.of(
                        longestTtl,
                        builder.member == null ? answerTimeout : builder.member.answerTimeout(),
                        first,
                        !config.isSingleConfig() || builder.waitForReplicas > 0),
                new MemoryLog(NamespaceRules.chosen(builder.namespace), server, Ticker.SYSTEM),
                new ScriptCalls(
                        client,
                        connection,
                        answerTimeout,
                        server,
                        keyspace.meta(0),
                        Objects.requireNonNullElse(builder.clock, system)),
                builder.format);
        if (builder.member != null) {
            namespace.buckets().forEach(Bucket::askInOneCall);
        }
        this.exchange = new Exchange(namespace, builder.confirmation(client), builder.opening(client));
        DirectCalls direct = exchange.direct();
        this.blocking = direct == null ? this : new BlockingView(this, namespace, exchange, direct);
        this.agreement = new Agreement(
                namespace,
                longestTtl,
                builder.member == null ? "" : builder.member.quorum(),
                builder.replaceSettings,
                server);
        namespace.scripts().onOtherProtocol(agreement::doubt);
        this.sweep = new Sweep(namespace, agreement, Ticker.SYSTEM, longestTtl);
        Probe.Expectation expected = new Probe.Expectation(
                server,
                config.isClusterConfig(),
                builder.waitForReplicas,
                first,
                namespace.quarantine().longest());
        Checkup checkup = new Checkup(client, namespace, expected, system);
        QuorumOpening.Member member = builder.member;
        boolean joins = builder.lazy;
        this.introduction = new Introduction(checkup, agreement, sweep, answerTimeout, () -> {
            if (member != null) {
                member.servers().found(server, checkup.runId(), joins);
            }
        });
        this.renewals = new Renewals(namespace);
        Messages topic = new TopicMessages(client, namespace.channel());
        DirectLine.Opening forMessages = builder.openingForMessages(client);
        Messages messages = forMessages == null ? topic : new DirectMessages(forMessages, namespace.channel(), topic);
        this.wakeUps = new WakeUps(messages, connection, this::wakeIfFree, namespace.waiter(), this::passOn);
    }

    /**
     * Opens a store with a client of its own.
     *
     * @param url {@code redis://} or {@code rediss://}, with user and password if needed
     * @param namespace names application and environment, see {@link Builder#namespace}
     * @return the store; the caller closes it
     * @throws IllegalArgumentException if the address cannot be used
     * @throws LeaseStoreException if Redis cannot be reached, or refuses
     */
    public static RedissonLeaseStore connect(String url, String namespace) {
        return builder().url(url).namespace(namespace).build();
    }

    /**
     * Opens a store on a quorum of independent servers, with clients of its own: see {@link Builder#quorum}.
     *
     * @param urls the addresses of an odd number of servers, at least three
     * @param namespace names application and environment, see {@link Builder#namespace}
     * @return the store; the caller closes it
     * @throws IllegalArgumentException if there are too few, or an even number, or an address cannot be used
     * @throws LeaseStoreException if a majority cannot be reached, or a server refuses
     */
    public static AdministeredStore quorum(List<String> urls, String namespace) {
        return builder().namespace(namespace).quorum(urls);
    }

    /** Asks its servers what no script asks, provided that they are what workers can use, and closes the store. */
    <T> T closing(BiFunction<RedissonClient, String, T> question) {
        try (this) {
            introduction.fitForPeople().join();
            return question.apply(client.redisson(), server);
        } catch (CompletionException e) {
            throw RedisTrouble.unwrapped(e) instanceof LeaseStoreException known
                    ? known
                    : new LeaseStoreException(RedisTrouble.of(e).asReasonWhy("cannot ask Redis at " + server), e);
        }
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
        check(request);
        return introduction.first(() -> asked(request, hasWoken(request), exchange.acquire(request), ITSELF)
                .exceptionallyCompose(failure -> undone(request, failure)));
    }

    /**
     * As {@link #acquire}, for a quorum: what one server says decides nothing, so a run that was woken up leaves the key to nobody
     * before {@link #answered}.
     */
    CompletionStage<Acquisition> vote(LeaseRequest request) {
        check(request);
        return introduction.first(() ->
                noting(request, exchange.acquire(request)).exceptionallyCompose(failure -> undone(request, failure)));
    }

    private CompletableFuture<Acquisition> noting(LeaseRequest request, CompletableFuture<Acquisition> answer) {
        return request.waiting() ? answer.whenComplete((vote, failure) -> note(request, vote)) : answer;
    }

    private void note(LeaseRequest request, @Nullable Acquisition answer) {
        if (!(answer instanceof Acquisition.Held && request.waiting())) {
            return;
        }
        Keyspace.Keys keys = namespace.keys(request.identity());
        if (!keys.areOfSlot()) {
            wakeUps.noted(keys.family());
        }
    }

    /** Whether somebody was woken up here for the key of a request, and has no answer yet. */
    boolean hasWoken(LeaseRequest request) {
        return wakeUps.haveWoken()
                && wakeUps.hasWoken(namespace.keys(request.identity()).family());
    }

    /** What a request has come to whose run was woken up here. */
    void answered(LeaseRequest request, @Nullable Acquisition answer) {
        answered(namespace.keys(request.identity()).family(), answer, ITSELF);
    }

    private void answered(String family, @Nullable Acquisition answer, Executor neighbours) {
        // Not where the store is in trouble: those who wait would wake each other, at the speed of its refusals.
        if (wakeUps.takeUp(family) && answer instanceof Acquisition.Done) {
            waking(neighbours, () -> wakeUps.handOn(family));
        }
    }

    /**
     * A waiting run that was woken up and neither takes the key nor is noted again leaves it to the next one.
     *
     * @param wasWoken {@link #hasWoken} before it asked
     * @param neighbours where that one goes on
     * @return the answer, which the caller receives after that: it may have the request withdrawn
     */
    CompletableFuture<Acquisition> asked(
            LeaseRequest request, boolean wasWoken, CompletableFuture<Acquisition> answer, Executor neighbours) {
        if (!request.waiting() && !wasWoken) {
            return answer;
        }
        String family = namespace.keys(request.identity()).family();
        return answer.whenComplete((acquisition, failure) -> {
            note(request, acquisition);
            if (wasWoken) {
                answered(family, acquisition, neighbours);
            }
        });
    }

    /** Whether a request may be sent at once, on whatever thread. */
    boolean isReadyFor(LeaseRequest request) {
        check(request);
        return introduction.isOver();
    }

    @Override
    public LeaseStore blocking() {
        return blocking;
    }

    private void check(LeaseRequest request) {
        if (request.ttl().compareTo(longestTtl) > 0) {
            throw new IllegalArgumentException(
                    "a ttl of " + request.ttl() + " is longer than the longest one, " + longestTtl
                            + ", on which the quarantine is built. Use a shorter ttl, or set longestTtl on every worker");
        }
        sweep.now();
    }

    /** Gives back what too few replicas have confirmed, as far as there is time. */
    private CompletionStage<Acquisition> undone(LeaseRequest request, Throwable failure) {
        CompletableFuture<Acquisition> failed = CompletableFuture.failedFuture(RedisTrouble.unwrapped(failure));
        if (!(RedisTrouble.unwrapped(failure) instanceof Confirmation.Missing)) {
            return failed;
        }
        // Who waits here would be granted no more than this one.
        CompletableFuture<Void> withdrawn =
                exchange.send(ReleaseRequest.of(namespace, request)).thenApply(released -> null);
        return RedisThreads.endingAfter(answerTimeout.dividedBy(2), withdrawn, () -> withdrawn.complete(null))
                .exceptionally(unreachable -> null)
                .thenCompose(done -> failed);
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        sweep.now();
        return renewals.renew(leases);
    }

    /** Writes leases that are missing here; a majority of the quorum has just renewed them. */
    CompletionStage<List<Renewal>> restore(List<Lease> leases) {
        return renewals.restore(leases);
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return released(lease, exchange.send(ReleaseRequest.of(namespace, lease, ending)), ITSELF);
    }

    /**
     * Wakes one of those who wait in this process: Redis knows processes, and one that it has named is not known to wait any longer,
     * though others may wait in it.
     *
     * @param neighbours where that one goes on
     */
    CompletableFuture<Boolean> released(Lease lease, CompletableFuture<Boolean> answer, Executor neighbours) {
        Keyspace.Keys keys = namespace.keys(lease.identity());
        return wakeUps.isIdle() || keys.areOfSlot()
                ? answer
                : answer.whenComplete((wasHeld, failure) -> {
                    if (failure == null) {
                        waking(neighbours, () -> wakeUps.wakeOne(keys.family()));
                    }
                });
    }

    /** {@inheritDoc} Whatever it was granted, or woken up for, is left to the next one that waits. */
    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        CompletableFuture<Boolean> answer = exchange.send(ReleaseRequest.of(namespace, request));
        Keyspace.Keys keys = namespace.keys(request.identity());
        if (!keys.areOfSlot() && !(wakeUps.isIdle() && !wakeUps.haveWoken())) {
            answer = answer.whenComplete((wasHeld, failure) -> {
                if (failure == null && wakeUps.takeUp(keys.family())) {
                    waking(ITSELF, () -> wakeUps.handOn(keys.family()));
                } else if (failure == null && wasHeld) {
                    waking(ITSELF, () -> wakeUps.wakeOne(keys.family()));
                }
            });
        }
        return answer.thenApply(released -> null);
    }

    /** As {@link #withdraw}, and wakes nobody: what is given back is of no use to those who wait. */
    CompletableFuture<Void> giveBack(LeaseRequest request) {
        return exchange.send(ReleaseRequest.quietly(namespace, request)).thenApply(released -> null);
    }

    private CompletableFuture<@Nullable String> value(String leaseKey) {
        return namespace.scripts().call(Script.HOLDER, ReturnType.VALUE, List.of(leaseKey));
    }

    @Override
    public LeaseAdmin admin() {
        return administration();
    }

    RedissonAdmin administration() {
        return new RedissonAdmin(namespace, server, introduction);
    }

    @Override
    public FleetBoard board() {
        return new RedissonBoard(namespace);
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        return wakeUps.await(namespace.keys(identity).family(), atMost);
    }

    /** Whatever comes of it, the answer that led there stays what it is. */
    private static void waking(Executor neighbours, Runnable wake) {
        RedisThreads.THREADS.call("waking a run that waits", () -> neighbours.execute(wake));
    }

    private void passOn(String leaseKey) {
        var unused = wakeNext(leaseKey, "");
    }

    /**
     * Tells the next process that waits for a key.
     *
     * @param leaving a process that waits for it no more; or empty
     */
    private CompletableFuture<Long> wakeNext(String leaseKey, String leaving) {
        List<Object> keys = new ArrayList<>(List.of(leaseKey, Keyspace.waiterOf(leaseKey)));
        String index = Keyspace.indexOf(leaseKey);
        if (!index.isEmpty()) {
            keys.add(index);
        }
        return namespace.scripts().call(Script.WAKE, ReturnType.LONG, keys, namespace.channel(), leaving);
    }

    /** Leaves no name behind that messages would go to in vain. */
    private void leaveWaiters() {
        CompletableFuture<?>[] all = wakeUps.toLeave().stream()
                .map(key -> wakeNext(key, namespace.waiter()))
                .toArray(CompletableFuture<?>[]::new);
        try {
            CompletableFuture.allOf(all).get(LEAVING.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException unheard) {
            LOG.debug("this process may still be noted among those who wait: {}", unheard.toString());
        }
    }

    private void wakeIfFree(String leaseKey) {
        var unused = value(leaseKey).whenComplete((value, failure) -> {
            if (failure == null && value == null) {
                wakeUps.wake(leaseKey);
            }
        });
    }

    @Override
    public Optional<Reservations> reservations() {
        return Optional.of(places());
    }

    RedissonReservations places() {
        return new RedissonReservations(namespace);
    }

    String namespace() {
        return namespace.keyspace().namespace();
    }

    /**
     * Writes a quorum's token back to this server: the Java side of {@code settle.lua}.
     *
     * @return whether the server has it
     */
    CompletableFuture<Boolean> settle(Lease lease) {
        Keyspace.Keys keys = namespace.keys(lease.identity());
        CompletableFuture<Long> answer = namespace
                .scripts()
                .call(
                        Script.SETTLE,
                        ReturnType.LONG,
                        List.of(keys.lease(), keys.meta()),
                        lease.owner().value(),
                        lease.token().toString(),
                        Long.toString(StoredLease.micros(lease)));
        return answer.thenApply(code -> code == 1);
    }

    Completions completions() {
        return new Completions(namespace);
    }

    /** Lets later grants of this server have higher tokens. */
    void sawToken(Lease lease) {
        namespace
                .bucket(namespace.keys(lease.identity()))
                .sawToken(lease.token().value());
    }

    String server() {
        return server;
    }

    /** Which process the server is; empty if it has not been looked at, or hides it. */
    String runId() {
        return introduction.runId();
    }

    /** How many calls of {@link #nextChance} have not ended. */
    int waiters() {
        return wakeUps.waiters();
    }

    /** {@inheritDoc} A store that differs from the others of its namespace is not built, or, if lazy, takes no lease. */
    @Override
    public String fingerprint() {
        return agreement.fingerprint();
    }

    /** As a server keeps them, but for the format and the protocol. */
    String settings() {
        return agreement.settings();
    }

    @Override
    public void agree(String settings) {
        try {
            agreeing(settings).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof LeaseStoreException refused ? refused : e;
        }
    }

    CompletableFuture<Void> agreeing(String settings) {
        return introduction.agree(settings);
    }

    /** Forgets what a guard wanted that came to nothing. */
    void disagree() {
        agreement.disagree();
    }

    Client client() {
        return client;
    }

    Namespace namespaceParts() {
        return namespace;
    }

    /** What is to be said of the servers; fails if one of them does not answer. */
    CompletionStage<List<Finding>> findings() {
        return introduction.findings();
    }

    @Override
    public Duration answerTimeout() {
        return answerTimeout;
    }

    @Override
    public Duration longestTtl() {
        return longestTtl;
    }

    @Override
    public void close() {
        // Each of these may fail where memory is short, or classes can no longer be loaded, and the rest has to end all
        // the same.
        GuardThreads.inTurn(
                this::leaveWaiters,
                namespace.scripts()::close,
                exchange::close,
                wakeUps::close,
                connection::close,
                client::close);
    }

    /** Collects the settings of a store. Not thread-safe. */
    public static final class Builder {

        private static final String APPLICATIONS = "the address of the application's client";

        private @Nullable String url;
        private @Nullable Path yaml;
        private @Nullable Config config;
        private @Nullable RedissonClient client;
        private @Nullable String namespace;
        private static final int OPENING_TRIES = 3;
        /** For as long as this a silent server is tried again, however short the time that an answer has later on. */
        private static final Duration START_PATIENCE = Duration.ofSeconds(5);

        private Duration answerTimeout = Duration.ofSeconds(2);
        private Duration longestTtl = Duration.ofSeconds(30);
        private @Nullable Instant firstStart;
        private boolean lazy;
        private boolean replaceSettings;
        private int waitForReplicas;
        private QuorumOpening.@Nullable Member member;
        private int format = Added.FORMAT;
        private @Nullable InstantSource clock;

        private Builder() {}

        /** Tells the portable protocol another time than this machine's, for tests of clocks that are wrong. */
        Builder clock(InstantSource ofCaller) {
            this.clock = ofCaller;
            return this;
        }

        /** Writes and reads as an earlier version did, for tests of workers of two versions. */
        Builder format(int ofVersion) {
            this.format = ofVersion;
            return this;
        }

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
         * Connects as a configuration of Redisson says, with a client of the store's own. For one server, Sentinel and Cluster its
         * time-outs and retries are set as for an address: the client gives up on a server within the answer timeout.
         *
         * @param redisson the configuration, which the store changes; its codec does not matter
         * @return this builder
         */
        public Builder config(Config redisson) {
            this.config = redisson;
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
         * There is no default, as applications that share one would take each other's runs.
         *
         * @param name 1 to 64 letters, digits, '.', '_' or '-', such as {@code billing-production}
         * @return this builder
         * @throws IllegalArgumentException if it is not allowed, or the default name of a library
         */
        public Builder namespace(String name) {
            this.namespace = NamespaceRules.chosen(name);
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
         * Bounds the ttl of this store's leases. The longest bound that the workers of a namespace have agreed on is as long as a Redis
         * that lost its memory has to wait. One that is longer than that is refused, unless it {@linkplain #replaceSettings replaces} it.
         *
         * @param ttl by default 30 s, as the ttl of a run
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
         * Names the time of the first start ever of this namespace: nothing ran under it before, so a Redis that knows nothing
         * of it, and cannot prove that it has forgotten nothing, need not wait for holders to show themselves. It counts for
         * 10 minutes, by the wall clock of this process; later it has no effect, and a finding says so. Write it down as a
         * constant, never as the time of now: an application that names each of its starts grants at once beside live holders
         * if Redis was emptied meanwhile.
         *
         * @param at when; null if it is not named; a time that lies more than 10 minutes ahead is refused when the store is
         *     built
         * @return this builder
         */
        public Builder firstStart(@Nullable Instant at) {
            this.firstStart = at;
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
         * Grants a lease only if replicas have confirmed it (WAIT), within a quarter of the answer timeout; else the
         * lease is given back and the stage fails. This makes it unlikely that a failover forgets a lease; that nothing
         * is granted twice is what the quarantine sees to, with or without it. Costs a round trip to the replica, and the
         * right {@code +wait}.
         *
         * @param count how many replicas, 0 (the default) for none
         * @return this builder
         */
        public Builder waitForReplicas(int count) {
            if (count < 0) {
                throw new IllegalArgumentException("setting waitForReplicas: must be 0 or more, was " + count);
            }
            this.waitForReplicas = count;
            return this;
        }

        /**
         * Replaces the settings on which the workers of this namespace have agreed (namespace, buckets, longest ttl,
         * format, how guards hash keys). For the one start that changes them, after all workers were stopped: nothing is granted until every
         * lease under the old settings has run out, and workers that still run with the old ones take no more leases. They
         * go on if only the longest ttl becomes longer, or only the format of the version before is replaced: then they need not be
         * stopped.
         *
         * @param isReplacing whether to replace them
         * @return this builder
         */
        public Builder replaceSettings(boolean isReplacing) {
            this.replaceSettings = isReplacing;
            return this;
        }

        private DirectLine.@Nullable Opening opening(Client of) {
            OwnClient.Address address = directAddress();
            return address == null
                    ? null
                    : new BesideClient(of, address, there -> OwnClient.direct(there, answerTimeout));
        }

        private DirectLine.@Nullable Opening openingForMessages(Client of) {
            OwnClient.Address address = directAddress();
            return address == null
                    ? null
                    : new BesideClient(of, address, there -> OwnClient.forMessages(there, answerTimeout));
        }

        /** Where to connect directly; null where somebody else has to find the server, or where calls wait. */
        private OwnClient.@Nullable Address directAddress() {
            if (url == null || member != null || waitForReplicas > 0) {
                return null;
            }
            OwnClient.Address address = OwnClient.Address.parse(url);
            return address.scheme().equals("redis") ? address : null;
        }

        private @Nullable Confirmation confirmation(Client of) {
            return waitForReplicas == 0 ? null : new Confirmation(of, waitForReplicas, answerTimeout.dividedBy(4));
        }

        /**
         * Builds the store and, unless it is lazy, checks that Redis answers and allows what the guard needs. A server that is silent is
         * tried again, three times and for 5 s at least.
         *
         * @return the store; the caller closes it
         * @throws IllegalArgumentException if a setting is wrong
         * @throws IllegalStateException if the other workers of the namespace have other settings
         * @throws LeaseStoreException if Redis cannot be reached, is too old, or refuses; the message says how to fix it
         */
        public RedissonLeaseStore build() {
            Keyspace checked = new Keyspace(NamespaceRules.chosen(namespace), 1);
            long sources = Stream.of(url, yaml, config, client)
                    .filter(Objects::nonNull)
                    .count();
            if (sources != 1) {
                throw new IllegalArgumentException("the store of namespace " + checked.namespace()
                        + " needs exactly one of url, yaml, config and client, got " + sources);
            }
            // Before a client is opened, which nobody would close.
            FirstStart unusedButRight = RedissonLeaseStore.firstStart(this);
            if (client != null) {
                return probed(new RedissonLeaseStore(this, client, null, APPLICATIONS), APPLICATIONS);
            }
            if (yaml != null) {
                return ofOwnClient(YamlFile.read(yaml), String.valueOf(yaml.getFileName()));
            }
            if (config != null) {
                OwnClient.makeImpatient(config, answerTimeout);
                return ofOwnClient(config, "the servers that the configuration names");
            }
            OwnClient.Address address = OwnClient.Address.parse(String.valueOf(url));
            return open(
                    address.toString(),
                    () -> OwnClient.open(
                            address,
                            answerTimeout,
                            lazy,
                            member != null
                                    ? OwnClient.Use.IN_A_QUORUM
                                    : waitForReplicas > 0 ? OwnClient.Use.WAITING : OwnClient.Use.ALONE));
        }

        /**
         * Builds a store on a quorum of independent servers (Redlock): a lease counts if a majority has granted it, and a
         * minority may be lost with its data. The servers must not be replicas of each other nor have replicas, and should
         * fail independently. Everything else is as set on this builder; {@code url}, {@code yaml}, {@code client} and
         * {@code waitForReplicas} must not be.
         *
         * @param urls the addresses of an odd number of servers, at least three; the same ones on all workers
         * @return the store; the caller closes it
         * @throws IllegalArgumentException if there are too few, an even number, one twice, or a setting is wrong
         * @throws LeaseStoreException if a majority cannot be reached, or a server is too old or refuses
         * @see <a href="https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/">Distributed locks with
         *     Redis</a>
         */
        public AdministeredStore quorum(List<String> urls) {
            if (url != null || yaml != null || config != null || client != null || waitForReplicas > 0) {
                throw new IllegalArgumentException(
                        "a quorum has its servers' addresses as argument: leave out url, yaml, config, client and waitForReplicas");
            }
            return QuorumOpening.open(urls, this, answerTimeout, longestTtl);
        }

        /**
         * Looks at the server, or at one after the other of a quorum, as these settings say, without taking a lease or
         * changing anything. Blocks for some seconds at most.
         *
         * @param urls the addresses of a quorum; empty if the builder has its server
         * @return what was found, the worst first; empty if all is well. Trouble on the way is a finding, too
         * @throws IllegalArgumentException if a setting is wrong
         */
        public List<Finding> examine(List<String> urls) {
            NamespaceRules.chosen(namespace);
            return Examination.of(this, urls);
        }

        /**
         * Lists the namespaces that guards have used on the server, or on the servers of a quorum, without changing
         * anything. The namespace of these settings does not matter. Takes time in proportion to everything that the servers
         * keep, in small steps.
         *
         * @param urls the addresses of a quorum; empty if the builder has its server
         * @return the namespaces, in alphabetical order
         * @throws IllegalArgumentException if a setting is wrong
         * @throws LeaseStoreException if a server cannot be reached, or refuses
         */
        public List<String> namespaces(List<String> urls) {
            return NamespaceSearch.of(this, urls);
        }

        /** The address that {@link #unseen} would use; null if somebody else finds the server. */
        @Nullable
        String address(@Nullable String one) {
            return one == null ? url : one;
        }

        boolean hasAddress(@Nullable String one) {
            return address(one) != null;
        }

        /** A store that does not look at its server before it is asked something. */
        RedissonLeaseStore unseen(@Nullable String address) {
            Builder one = new Builder();
            one.url = address == null ? url : address;
            one.yaml = yaml;
            one.config = config;
            one.client = client;
            one.namespace = namespace;
            one.answerTimeout = answerTimeout;
            one.longestTtl = longestTtl;
            one.waitForReplicas = waitForReplicas;
            one.firstStart = firstStart;
            one.format = format;
            one.lazy = true;
            return one.build();
        }

        /** A store of one server of a quorum. */
        RedissonLeaseStore server(String address, QuorumOpening.Member of, boolean lazily) {
            Builder one = new Builder();
            one.url = address;
            one.namespace = namespace;
            one.answerTimeout = of.perServer();
            one.member = of;
            one.longestTtl = longestTtl;
            one.firstStart = firstStart;
            one.format = format;
            one.clock = clock;
            one.lazy = lazily;
            one.replaceSettings = replaceSettings;
            return one.build();
        }

        boolean isLazy() {
            return lazy;
        }

        /** At a start nothing is at stake yet; of a quorum, others may answer meanwhile. */
        private Duration patience() {
            return member == null ? START_PATIENCE : Duration.ZERO;
        }

        private RedissonLeaseStore ofOwnClient(Config chosen, String server) {
            chosen.setLazyInitialization(lazy);
            // As in a client for an address; and so its user need not have the right to load scripts.
            chosen.setUseScriptCache(false);
            // What the application changes of it later is not for another client that the store opens then.
            Config own = new Config(chosen);
            return open(server, () -> Redisson.create(own));
        }

        private RedissonLeaseStore open(String server, Supplier<RedissonClient> opening) {
            RedissonLeaseStore store =
                    probed(new RedissonLeaseStore(this, opened(server, patience(), opening), opening, server), server);
            if (!lazy && url != null) {
                try {
                    store.introduction.secondConnection(() -> opened(server, patience(), opening));
                } catch (RuntimeException e) {
                    store.close();
                    throw startFailure(store, server, e);
                }
            }
            return store;
        }

        /**
         * A first connection may need more than an answer timeout: names are resolved, certificates checked, classes loaded, on a busy machine
         * perhaps. Where each one does, the store could not connect again in time while leases are held, so that it does not start.
         */
        private static RedissonClient opened(String server, Duration patience, Supplier<RedissonClient> opening) {
            StartTries tries = new StartTries(patience);
            while (true) {
                try {
                    return opening.get();
                } catch (RuntimeException e) {
                    if (tries.wasLast() || !RedisTrouble.isSilence(e)) {
                        throw new LeaseStoreException(
                                RedisTrouble.of(e).asReasonWhy("cannot connect to Redis at " + server), e);
                    }
                }
            }
        }

        private RedissonLeaseStore probed(RedissonLeaseStore store, String server) {
            StartTries tries = new StartTries(patience());
            while (!lazy) {
                try {
                    store.introduction.made().join();
                    return store;
                } catch (CompletionException e) {
                    if (tries.wasLast() || !RedisTrouble.isSilence(e)) {
                        store.close();
                        throw startFailure(store, server, RedisTrouble.unwrapped(e));
                    }
                }
            }
            return store;
        }

        private static RuntimeException startFailure(RedissonLeaseStore store, String server, Throwable cause) {
            LeaseStoreException refusal = store.agreement.refusal();
            if (refusal != null) {
                return new IllegalStateException(refusal.getMessage(), refusal);
            }
            return RedisTrouble.atFirstLook(server, cause);
        }

        /** How often, and for how long, a start is tried. */
        private static final class StartTries {
            private final long begun = System.nanoTime();
            private final Duration patience;
            private int made;

            StartTries(Duration patience) {
                this.patience = patience;
            }

            /** Whether the try that has just failed was the last one. */
            boolean wasLast() {
                made++;
                return made >= OPENING_TRIES && System.nanoTime() - begun >= patience.toNanos();
            }
        }
    }
}

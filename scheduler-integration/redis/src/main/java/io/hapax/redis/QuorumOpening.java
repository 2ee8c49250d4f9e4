package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ops.AdministeredStore;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.redisson.client.RedisConnectionException;
import org.redisson.client.RedisTimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the servers of a quorum: a majority must answer, the others are joined when they come. */
final class QuorumOpening {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");
    private static final int FEWEST = 3;
    private static final int ATTEMPTS = 3;
    private static final Duration SHORTEST = Duration.ofMillis(50);

    /**
     * What a store knows of the quorum it belongs to.
     *
     * @param quorum names its servers
     * @param perServer how long an answer of one server is waited for
     * @param answerTimeout how long an answer of the quorum may take, on which holders that renew count
     * @param servers what is known of all of them
     */
    record Member(String quorum, Duration perServer, Duration answerTimeout, Independence servers) {}

    private QuorumOpening() {}

    static AdministeredStore open(
            List<String> urls, RedissonLeaseStore.Builder builder, Duration answerTimeout, Duration longestTtl) {
        return openWaiting(urls, builder, answerTimeout, perServer(longestTtl, answerTimeout));
    }

    static AdministeredStore openWaiting(
            List<String> urls, RedissonLeaseStore.Builder builder, Duration answerTimeout, Duration perServer) {
        check(urls);
        Member member = new Member(name(urls), perServer, answerTimeout, new Independence());
        List<RedissonLeaseStore> servers = members(urls, builder, member);
        return new QuorumLeaseStore(servers, perServer, answerTimeout, Ticker.SYSTEM, QuorumLeaseStore.DIRECT);
    }

    /** Servers are waited for but shortly, which a process that has just started may need for itself: they are asked again. */
    private static List<RedissonLeaseStore> members(
            List<String> urls, RedissonLeaseStore.Builder builder, Member member) {
        for (int attempt = 1; ; attempt++) {
            try {
                return reached(urls, builder, member);
            } catch (TooFew e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /** No majority can be reached. */
    private static final class TooFew extends LeaseStoreException {

        private static final long serialVersionUID = 1L;

        TooFew(Finding finding) {
            super(finding);
        }
    }

    private static List<RedissonLeaseStore> reached(
            List<String> urls, RedissonLeaseStore.Builder builder, Member member) {
        List<RedissonLeaseStore> servers = new ArrayList<>();
        List<LeaseStoreException> away = new ArrayList<>();
        try {
            for (String url : urls) {
                servers.add(builder.isLazy() ? builder.server(url, member, true) : joined(url, builder, member, away));
            }
            if (away.size() > urls.size() / 2) {
                throw new TooFew(
                        away.get(0)
                                .finding()
                                .asReasonWhy(
                                        "only " + (urls.size() - away.size()) + " of " + urls.size()
                                                + " servers of the quorum can be reached, a majority is needed. The first that cannot"));
            }
            checkIndependent(servers);
            return servers;
        } catch (RuntimeException e) {
            servers.forEach(RedissonLeaseStore::close);
            throw e;
        }
    }

    static void check(List<String> urls) {
        Finding wrong = wrong(urls);
        if (wrong != null) {
            throw new IllegalArgumentException(wrong.toString());
        }
    }

    /** Why these cannot be a quorum; null if they can. An address that cannot be used is a mistake of the caller. */
    static @Nullable Finding wrong(List<String> urls) {
        Set<String> addresses = new HashSet<>();
        for (String url : urls) {
            OwnClient.Address address = OwnClient.Address.parse(url);
            if (!addresses.add(address.toString())) {
                return Finding.error(
                        "a quorum needs independent servers, but " + address + " is named twice",
                        "Name every server once; databases of one server are lost together");
            }
        }
        if (urls.size() < FEWEST || urls.size() % 2 == 0) {
            boolean isEven = urls.size() > FEWEST;
            return Finding.error(
                    "a quorum needs an odd number of servers, at least " + FEWEST + ", got " + urls.size()
                            + (isEven
                                    ? ": one more than an odd number makes it fail sooner, not later"
                                    : ": with fewer, the loss of one stops all"),
                    isEven ? "Leave one out" : "Add servers, or use one with url(...)");
        }
        return null;
    }

    /** One server may have several names. */
    private static void checkIndependent(List<RedissonLeaseStore> servers) {
        Map<String, RedissonLeaseStore> byRunId = new HashMap<>();
        for (RedissonLeaseStore server : servers) {
            RedissonLeaseStore same = server.runId().isEmpty() ? null : byRunId.put(server.runId(), server);
            if (same != null) {
                throw new IllegalArgumentException(
                        Independence.sameServer(same.server(), server.server()).toString());
            }
        }
    }

    /** All workers have to mean the same servers: two majorities of different quorums need not have one in common. */
    static String name(List<String> urls) {
        String members = urls.stream()
                .map(url -> OwnClient.Address.parse(url))
                .map(address -> address.toString().toLowerCase(Locale.ROOT) + "/" + address.database())
                .sorted()
                .collect(Collectors.joining(","));
        return urls.size() + "/" + Keyspace.digest(members).substring(0, 16);
    }

    /**
     * How long one server is waited for. While others are down each live one must answer, so a short pause of it must not cost
     * the run. A sixth of the answer time-out at most: an attempt asks, writes back and gives back, each may wait for a server that hangs,
     * and there has to be time to try again. Far below the ttl, so that the wait costs little validity (Redlock).
     */
    private static Duration perServer(Duration longestTtl, Duration answerTimeout) {
        Duration wanted = longestTtl.dividedBy(20);
        return shorter(wanted.compareTo(SHORTEST) < 0 ? SHORTEST : wanted, answerTimeout.dividedBy(6));
    }

    private static RedissonLeaseStore joined(
            String url, RedissonLeaseStore.Builder builder, Member member, List<LeaseStoreException> away) {
        try {
            return builder.server(url, member, false);
        } catch (LeaseStoreException e) {
            if (!isAway(e)) {
                throw e;
            }
            away.add(e);
            LOG.warn("a server of the quorum cannot be reached and is joined when it answers: {}", e.getMessage());
            return builder.server(url, member, true);
        }
    }

    /** It may come back, unlike one that refuses. */
    private static boolean isAway(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof RedisConnectionException
                    || cause instanceof RedisTimeoutException
                    || cause instanceof java.util.concurrent.TimeoutException
                    || cause instanceof java.net.ConnectException) {
                return true;
            }
        }
        return false;
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}

package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import io.hapax.lease.LeaseStoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.redisson.client.RedisTimeoutException;

/** A look at servers, for operators who want to know what is wrong; changes nothing. */
final class Examination {

    private static final int CALLS = 20;
    private static final Duration MARGIN = Duration.ofSeconds(2);

    private final RedissonLeaseStore.Builder settings;
    private final List<Finding> findings = new ArrayList<>();
    private final Map<String, String> serverByRunId = new HashMap<>();

    private Examination(RedissonLeaseStore.Builder settings) {
        this.settings = settings;
    }

    static List<Finding> of(RedissonLeaseStore.Builder settings, List<String> urls) {
        Examination examination = new Examination(settings);
        if (urls.isEmpty()) {
            examination.look(null, "");
        } else {
            if (urls.size() > 1) {
                examination.number(urls);
            }
            String quorum = urls.size() > 1 ? " quorum=" + QuorumOpening.name(urls) : "";
            urls.forEach(url -> examination.look(url, quorum));
        }
        return examination.findings.stream()
                .distinct()
                .sorted(Comparator.comparing(Finding::severity))
                .toList();
    }

    private void number(List<String> urls) {
        Finding wrong = QuorumOpening.wrong(urls);
        if (wrong != null) {
            findings.add(wrong);
        }
    }

    private void look(@Nullable String url, String quorum) {
        try (RedissonLeaseStore store = settings.unseen(url)) {
            try {
                lookAt(store, quorum, user(url));
                if (settings.hasAddress(url)) {
                    lookAgain(store, url);
                }
            } catch (CompletionException e) {
                trouble(RedisTrouble.atFirstLook(store.server(), RedisTrouble.unwrapped(e)));
            }
        } catch (LeaseStoreException e) {
            trouble(e);
        }
    }

    /** Whose rights are looked at, as far as we know. */
    private String user(@Nullable String url) {
        String address = settings.address(url);
        String user = address == null ? "" : OwnClient.Address.parse(address).user();
        return user.isEmpty() ? "default" : user;
    }

    /** Over another connection: a client of our own sends everything over one as long as it can. */
    private void lookAgain(RedissonLeaseStore store, @Nullable String url) {
        try (RedissonLeaseStore again = settings.unseen(url)) {
            patiently(again);
            if (!again.runId().equals(store.runId())) {
                findings.add(Checkup.severalServers(store.server()));
            }
        }
    }

    private void trouble(LeaseStoreException failure) {
        findings.add(failure.finding()
                .orMendedBy(
                        "See whether it runs, hangs, or is cut off from here, and whether it expects TLS (rediss://)"));
    }

    /** Connecting takes longer than asking. */
    private static List<Finding> patiently(RedissonLeaseStore store) {
        try {
            return store.findings().toCompletableFuture().join();
        } catch (CompletionException e) {
            if (!isSlow(e)) {
                throw e;
            }
            return store.findings().toCompletableFuture().join();
        }
    }

    private static boolean isSlow(Throwable failure) {
        return failure instanceof TimeoutException
                || failure instanceof RedisTimeoutException
                || (failure.getCause() != null && isSlow(failure.getCause()));
    }

    private void lookAt(RedissonLeaseStore store, String quorum, String user) {
        try {
            findings.addAll(patiently(store));
        } catch (CompletionException e) {
            judge(store, forbidding(store, e), quorum, user);
            return;
        }
        String same = store.runId().isEmpty() ? null : serverByRunId.put(store.runId(), store.server());
        if (same != null) {
            add(
                    Severity.ERROR,
                    same + " and " + store.server()
                            + " are the same server (their run_id is equal), so they fail together",
                    "Name every server of the quorum once");
        }
        judge(store, state(store), quorum, user);
        latency(store);
    }

    /** A look that was refused does not say which right is missing. */
    private static ServerState forbidding(RedissonLeaseStore store, CompletionException refused) {
        if (!String.valueOf(refused.getMessage()).contains(RedisTrouble.NO_PERMISSION)) {
            throw refused;
        }
        ServerState state = state(store);
        if (state.forbidden().isEmpty()) {
            throw refused;
        }
        return state;
    }

    private static ServerState state(RedissonLeaseStore store) {
        return RedisThreads.failingAfter(store.answerTimeout().plus(MARGIN), ServerState.of(store.namespaceParts(), 0))
                .join();
    }

    private void judgeRights(RedissonLeaseStore store, ServerState state, String user) {
        for (Need need : Need.values()) {
            List<String> missing =
                    state.forbidden().stream().filter(need::covers).toList();
            if (missing.isEmpty()) {
                continue;
            }
            Keyspace keyspace = store.namespaceParts().keyspace();
            boolean halts = need == Need.OF_WORKERS
                    || (need == Need.OF_INFO && state.protocol().isEmpty());
            add(
                    halts ? Severity.ERROR : Severity.WARNING,
                    "Redis at " + store.server() + " does not let its user do " + String.join(", ", missing)
                            + need.without,
                    "ACL SETUSER " + user + " "
                            + String.join(
                                    " ",
                                    missing.stream().map(right -> "+" + right).toList())
                            + ", with the keys ~hapax:{" + keyspace.namespace() + ":*}:* and the channel &"
                            + keyspace.channel()
                            + ", and keep that in the ACL file; docs/security.md lists all that the guard needs");
        }
    }

    /** What rights are there for; what only some need can be done without. */
    private enum Need {
        OF_WORKERS("", ""),
        OF_INFO(
                "info",
                ": without it, scripts cannot identify the server, and only the portable protocol is used, if connections"
                        + " can"),
        OF_TIME("time", ": without, only the portable protocol is spoken, which promises a little less"),
        OF_NAMES("client\\|setname", ": without, connections have no name"),
        OF_LIMITS("z\\w+", ": without, there are no throttle, no queues, and no reports on the console"),
        OF_LISTS("scan", ": without, hapax locks list and the console cannot list the leases"),
        OF_THE_AUDIT(
                "lpush|ltrim|lrange",
                ": without, nobody can take leases away or pause keys, or see who did, and jobs have no history: hapax locks"
                        + " release, the console");

        private final String rights;
        private final String without;

        Need(String rights, String without) {
            this.rights = rights;
            this.without = without;
        }

        boolean covers(String right) {
            return this == OF_WORKERS
                    ? Stream.of(values()).skip(1).noneMatch(need -> need.covers(right))
                    : right.matches(rights);
        }
    }

    private void judge(RedissonLeaseStore store, ServerState state, String quorum, String user) {
        String at = "Redis at " + store.server();
        judgeRights(store, state, user);
        Dialect dialect = store.namespaceParts().scripts().known();
        if (dialect != null && !dialect.isFull()) {
            add(
                    Severity.NOTE,
                    at + " uses the portable protocol: " + dialect.why(),
                    "Nothing, if its service is like that: docs/servers.md says what that protocol promises less. Else grant"
                            + " what is refused (+info, +time)");
        }
        String mine = store.settings()
                + quorum
                + (dialect == null ? "" : dialect.protocol().setting());
        if (state.forbidden().contains("hmget")) {
            return;
        }
        if (state.settings().isEmpty()) {
            add(
                    Severity.NOTE,
                    "no worker of namespace " + store.namespace() + " has used " + at.replace("Redis at ", "") + " yet",
                    "If workers run, compare their namespace and address with these");
        } else if (Agreement.formatOf(state.settings(), mine, Added.FORMAT) == 0) {
            add(
                    Severity.ERROR,
                    "the workers of namespace " + store.namespace()
                            + " have agreed on other settings than these, so a worker"
                            + " with these would not start. There: " + state.settings() + ". Here: " + mine,
                    "Give all workers, and this check, the same servers, and a longestTtl (ttl) that is not longer; to change them, stop"
                            + " all workers and start the first one with replaceSettings(true), the worker with"
                            + " --replace-settings on");
        }
        if (Agreement.formatOf(state.settings(), mine, Added.FORMAT) == Added.FIRST_FORMAT) {
            add(
                    Severity.NOTE,
                    "namespace " + store.namespace() + " on " + at.replace("Redis at ", "")
                            + " is kept in a format that workers of the version before read, and which can say less",
                    "Once all workers are upgraded, start one of them with replaceSettings(true), the worker with"
                            + " --replace-settings on");
        }
        if (!state.quarantineLeft().isZero()) {
            add(
                    Severity.WARNING,
                    at + " grants no lease for another "
                            + state.quarantineLeft().toMillis() + " ms: it is in quarantine (" + state.why()
                            + "), so that holders of leases which it may have forgotten can show themselves",
                    "Wait");
        }
    }

    private void latency(RedissonLeaseStore store) {
        long[] nanos = new long[CALLS];
        for (int n = 0; n < CALLS; n++) {
            long asked = System.nanoTime();
            state(store);
            nanos[n] = System.nanoTime() - asked;
        }
        long median = LongStream.of(nanos).sorted().toArray()[CALLS / 2];
        Duration typical = Duration.ofNanos(median);
        if (typical.multipliedBy(4).compareTo(store.answerTimeout()) > 0) {
            add(
                    Severity.WARNING,
                    "Redis at " + store.server() + " takes " + typical.toMillis() + " ms to answer, and "
                            + store.answerTimeout().toMillis() + " ms is the longest time it may take",
                    "Move workers and Redis nearer to each other, find what makes it slow (SLOWLOG GET, large keys), or raise"
                            + " answerTimeout together with the ttl");
        }
    }

    private void add(Severity severity, String problem, String remedy) {
        findings.add(new Finding(severity, problem, remedy));
    }
}

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
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** A look at servers, for people who want to know what is wrong; changes nothing. */
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
            String quorum = urls.size() > 1 ? " quorum=" + QuorumOpening.name(urls) : "";
            urls.forEach(url -> examination.look(url, quorum));
        }
        return examination.findings.stream()
                .distinct()
                .sorted(Comparator.comparing(Finding::severity))
                .toList();
    }

    private void look(@Nullable String url, String quorum) {
        RedissonLeaseStore store;
        try {
            store = settings.unseen(url);
        } catch (LeaseStoreException e) {
            add(Severity.ERROR, String.valueOf(e.getMessage()), "Mend that, and look again");
            return;
        }
        try (store) {
            lookAt(store, quorum);
        } catch (CompletionException e) {
            Throwable cause = RedisTrouble.unwrapped(e);
            add(
                    Severity.ERROR,
                    "Redis at " + store.server() + " could not be looked at: "
                            + (cause instanceof LeaseStoreException known
                                    ? known.getMessage()
                                    : RedisTrouble.explain(cause)),
                    "Mend that, and look again");
        }
    }

    private void lookAt(RedissonLeaseStore store, String quorum) {
        // Connecting takes longer than asking.
        RuntimeException first = null;
        for (int attempt = 0; attempt < 2; attempt++) {
            try {
                findings.addAll(store.findings().toCompletableFuture().join());
                first = null;
                break;
            } catch (CompletionException e) {
                first = e;
            }
        }
        if (first != null) {
            judgeRights(store, first);
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
        judge(store, state(store), quorum);
        latency(store);
    }

    /** A look that was refused does not say which right is missing. */
    private void judgeRights(RedissonLeaseStore store, RuntimeException refused) {
        if (!String.valueOf(refused.getMessage()).contains(RedisTrouble.NO_PERMISSION)) {
            throw refused;
        }
        ServerState state = state(store);
        if (state.forbidden().isEmpty()) {
            throw refused;
        }
        judgeRights(store, state);
    }

    private static ServerState state(RedissonLeaseStore store) {
        return ServerState.of(store.namespaceParts(), 0)
                .orTimeout(store.answerTimeout().plus(MARGIN).toMillis(), TimeUnit.MILLISECONDS)
                .join();
    }

    private void judgeRights(RedissonLeaseStore store, ServerState state) {
        String at = "Redis at " + store.server();
        if (!state.forbidden().isEmpty()) {
            add(
                    Severity.ERROR,
                    at + " does not let its user do " + String.join(", ", state.forbidden()),
                    "Grant the rights that docs/security.md lists (ACL SETUSER … "
                            + String.join(
                                    " ",
                                    state.forbidden().stream()
                                            .map(right -> "+" + right)
                                            .toList())
                            + ", and the channel of the namespace), and keep them in the ACL file");
        }
    }

    private void judge(RedissonLeaseStore store, ServerState state, String quorum) {
        String at = "Redis at " + store.server();
        judgeRights(store, state);
        String mine = store.fingerprint() + quorum;
        if (state.settings().isEmpty()) {
            add(
                    Severity.NOTE,
                    "no worker of namespace " + store.namespace() + " has used " + at.replace("Redis at ", "") + " yet",
                    "If workers run, compare their namespace and address with these");
        } else if (!state.settings().equals(mine)) {
            add(
                    Severity.ERROR,
                    "the workers of namespace " + store.namespace()
                            + " have agreed on other settings than these, so a worker"
                            + " with these would not start. There: " + state.settings() + ". Here: " + mine,
                    "Give all the same longestTtl (ttl) and servers; to change them, stop all workers and start the first one"
                            + " with replaceSettings(true)");
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

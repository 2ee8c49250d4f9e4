package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.VisibleText;
import io.hapax.thread.GuardThreads;
import io.hapax.thread.OneAtATime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RScript.ReturnType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether this worker and all others of its namespace have the same settings: the Java side of {@code settings.lua}.
 * Every bucket carries them, so every server does. A worker that differs takes no lease. Its longest ttl may be shorter than
 * the one that is agreed on; then it uses the latter. Thread-safe.
 */
final class Agreement {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private static final String SAME_SETTINGS =
            "Give it the same settings; to change them, stop all workers of the namespace"
                    + " and start the first one with replaceSettings(true) (Spring Boot: hapax.redis.replace-settings=true; a Quartz"
                    + " plugin: replaceSettings=true; the worker: --replace-settings on)";
    private static final String LONGER_TTL =
            "This worker's longestTtl is longer than the one that was agreed on. Give it a shorter one, or start one worker with"
                    + " replaceSettings(true) (Spring Boot: hapax.redis.replace-settings=true; a Quartz plugin:"
                    + " replaceSettings=true; the worker: --replace-settings on): those that run follow it, and need not be"
                    + " stopped. Nothing new is granted for 2.2 of the longer ttl and 1 s, while what runs goes on";
    private static final String NEXT_VERSION =
            "Workers of a version and the one before it run side by side until the newer"
                    + " format is chosen: upgrade those of the older version";

    private static final String ONE_PROTOCOL =
            "All workers of a namespace speak one protocol, and the full protocol only if their users may have TIME and INFO in"
                    + " scripts: give all of them the same rights; to change the protocol, stop all workers and start the first"
                    + " one with replaceSettings(true) (Spring Boot: hapax.redis.replace-settings=true; the worker: --replace-settings on)";

    private final Namespace namespace;
    /** What stands before and behind the longest ttl. */
    private final String head;

    private final String tail;
    private final Duration longestTtl;
    private final boolean replace;
    private final String server;
    private final OneAtATime rechecking;
    private final AtomicBoolean toldOlder = new AtomicBoolean();
    private final AtomicInteger doubts = new AtomicInteger();
    private final AtomicInteger settled = new AtomicInteger();
    private volatile @Nullable LeaseStoreException refusal;
    /** What the guards on this store have to agree on with those of others; null before there is one. */
    private volatile @Nullable String guard;

    /** With what names the quorum that the servers belong to, empty if they do not. */
    Agreement(Namespace namespace, Duration longestTtl, String quorum, boolean replace, String server) {
        this.namespace = namespace;
        Keyspace keyspace = namespace.keyspace();
        this.head = "namespace=" + keyspace.namespace() + " buckets=" + keyspace.buckets();
        this.tail = " hashing=" + Keyspace.HASHING + (quorum.isEmpty() ? "" : " quorum=" + quorum);
        this.longestTtl = longestTtl;
        this.rechecking = new OneAtATime(longestTtl);
        this.replace = replace;
        this.server = server;
    }

    /** One line, to show and to compare; without the format, which may differ by one between workers. */
    String settings() {
        return settings(longestTtl);
    }

    private String settings(Duration longest) {
        return head + " " + LongestTtl.text(longest) + tail;
    }

    /** In what workers must not differ at all. */
    String fingerprint() {
        return head + tail;
    }

    /** As a server keeps them that is to have this format. */
    private static String line(int format, String settings) {
        return "format=" + format + " " + settings;
    }

    /**
     * The format of settings that a server keeps, if a worker with these agrees with them; else 0. He does if that is a format
     * that he reads, and they are the same but for a longest ttl that may be longer.
     */
    static int formatOf(String noted, String settings, int highest) {
        if (LongestTtl.in(noted).compareTo(LongestTtl.in(settings)) < 0) {
            return 0;
        }
        String same = LongestTtl.replaced(noted, LongestTtl.in(settings));
        return IntStream.rangeClosed(Math.max(Added.FIRST_FORMAT, highest - 1), highest)
                .filter(format -> same.equals(line(format, settings)))
                .findFirst()
                .orElse(0);
    }

    /** A server may have other settings by now, or none: they are compared before the next lease. */
    void doubt() {
        doubts.incrementAndGet();
    }

    boolean isSettled() {
        return settled.get() == doubts.get();
    }

    /** Why this worker must not take leases; null if it may. */
    @Nullable
    LeaseStoreException refusal() {
        return refusal;
    }

    /**
     * Takes on what a guard on this store has to agree on with those of other workers.
     *
     * @param comparing whether to compare now; else that is done with the rest
     * @return fails if it differs, or could not be compared; then no lease is taken until it could be
     */
    CompletableFuture<Void> agree(String those, boolean comparing) {
        String before = guard;
        if (before != null && !before.equals(those)) {
            return CompletableFuture.failedFuture(differing(line(before), line(those), SAME_SETTINGS));
        }
        guard = those;
        if (!comparing) {
            return CompletableFuture.completedFuture(null);
        }
        LeaseStoreException old = refusal;
        return compareAll(replace).handle((done, failure) -> {
            LeaseStoreException refused = refusal;
            if (refused instanceof Different && refused != old) {
                guard = before;
                throw refused;
            }
            if (failure != null) {
                LeaseStoreException unknown = new LeaseStoreException(
                        RedisTrouble.told(failure)
                                .asReasonWhy(
                                        "the settings of this worker's guard could not be compared with those of others"),
                        RedisTrouble.unwrapped(failure));
                refusal = refused == null ? unknown : refused;
                throw unknown;
            }
            return null;
        });
    }

    /** Forgets what a guard wanted, as it was not agreed on elsewhere. */
    void disagree() {
        guard = null;
    }

    /** Compares on all servers; replaces what differs if that was asked for. */
    CompletableFuture<Void> reach() {
        return compareAll(replace);
    }

    /** Compares again, after a server lost its memory or got other settings; replaces nothing. */
    CompletableFuture<Void> renew() {
        return compareAll(false);
    }

    /** Compares again in the background, one time after the other, so that a worker need not be started anew. */
    void recheck() {
        boolean unused = rechecking.ask(() -> GuardThreads.ask(this::renew));
    }

    private CompletableFuture<Void> compareAll(boolean replacing) {
        int comparing = doubts.get();
        CompletableFuture<?>[] calls = IntStream.range(0, namespace.buckets().size())
                .mapToObj(bucket -> compare(bucket, replacing))
                .toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(calls).thenAccept(all -> {
            boolean agreed = true;
            for (CompletableFuture<?> call : calls) {
                agreed &= (Boolean) call.join();
            }
            settled.accumulateAndGet(comparing, Math::max);
            if (agreed) {
                refusal = null;
            }
        });
    }

    private CompletableFuture<Boolean> compare(int index, boolean replacing) {
        return namespace
                .scripts()
                .inDialect(
                        dialect -> compare(index, replacing, dialect.protocol().setting()));
    }

    private CompletableFuture<Boolean> compare(int index, boolean replacing, String protocol) {
        String settings = settings() + protocol;
        // If a server has forgotten its settings, what other workers stated before counts, unless this worker is to
        // replace them.
        String noting = replacing ? settings : settings(namespace.quarantine().longestTtl()) + protocol;
        Bucket bucket = namespace.buckets().get(index);
        String those = guard;
        CompletableFuture<List<Object>> answer = namespace
                .scripts()
                .call(
                        Script.SETTINGS,
                        ReturnType.LIST,
                        List.of(namespace.keyspace().meta(index)),
                        // In a namespace that a server has forgotten there may still be workers of the version before.
                        line(replacing ? namespace.format() : bucket.format(), noting),
                        replacing ? "1" : "0",
                        namespace.quarantine().whenLost(),
                        those == null ? "" : those,
                        those == null ? "0" : "1");
        return answer.thenApply(noted -> {
            int format = formatOf(String.valueOf(noted.get(0)), settings, namespace.format());
            boolean agreed = format > 0 && (those == null || noted.get(1).equals(those));
            if (agreed) {
                bucket.agreed(format);
                follow(String.valueOf(noted.get(0)));
                tellOlder(format);
            } else {
                refuse(differing(
                        noted.get(0) + " " + noted.get(1),
                        (line(namespace.format(), settings) + " " + (those == null ? "" : those)),
                        format > 0 ? SAME_SETTINGS : remedy(String.valueOf(noted.get(0)), settings)));
            }
            return agreed;
        });
    }

    private void follow(String noted) {
        Duration longest = LongestTtl.in(noted);
        Duration before = namespace.quarantine().raise(longest);
        if (before != null) {
            LOG.info(
                    "workers of namespace {} on Redis at {} have agreed on a longest ttl of {} ms: this one, which had {} ms, uses"
                            + " it when that server loses its memory",
                    namespace.keyspace().namespace(),
                    server,
                    longest.toMillis(),
                    before.toMillis());
        }
    }

    private static String remedy(String there, String here) {
        String same = LongestTtl.replaced(there, LongestTtl.in(here));
        if (same.endsWith(" " + here)) {
            return LongestTtl.in(there).compareTo(LongestTtl.in(here)) < 0 ? LONGER_TTL : NEXT_VERSION;
        }
        String portable = Protocol.PORTABLE.setting();
        boolean inProtocolOnly = same.endsWith(" " + here + portable) || (same + portable).endsWith(" " + here);
        return inProtocolOnly ? ONE_PROTOCOL : SAME_SETTINGS;
    }

    private void tellOlder(int format) {
        if (format < namespace.format() && toldOlder.compareAndSet(false, true)) {
            LOG.info(
                    "namespace {} on Redis at {} is kept in format {}, which workers of the version before read. Once there are"
                            + " none any more, start one worker with replaceSettings(true) (Spring Boot:"
                            + " hapax.redis.replace-settings=true)",
                    namespace.keyspace().namespace(),
                    server,
                    format);
        }
    }

    private String line(@Nullable String ofGuard) {
        return line(namespace.format(), settings()) + " " + (ofGuard == null ? "" : ofGuard);
    }

    private Different differing(String there, String here, String remedy) {
        return new Different(Finding.error(
                "this worker's settings differ from those that the workers of namespace "
                        + namespace.keyspace().namespace() + " on Redis at " + server
                        + " have agreed on, so it would guard under other keys or for another time. Here: "
                        + here.strip() + ". There: " + VisibleText.of(there.strip()),
                remedy));
    }

    /** Names both settings, and how to fix it. */
    static final class Different extends LeaseStoreException {

        private static final long serialVersionUID = 1L;

        Different(Finding finding) {
            super(finding);
        }
    }

    private void refuse(Different why) {
        boolean news = refusal == null;
        refusal = why;
        if (news) {
            LOG.error("no run will be admitted: {}", why.getMessage());
        }
    }
}

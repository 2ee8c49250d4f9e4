package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.VisibleText;
import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
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
 * Every bucket carries them, so every server does. A worker that differs takes no lease. In the longest ttl it may have less than
 * what is agreed on, and then reckons with that. Thread-safe.
 */
final class Agreement {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private static final String SAME_SETTINGS =
            "Give it the same settings; to change them, stop all workers of the namespace and start the first one with ";
    private static final String LONGER_TTL =
            "This worker's longestTtl is longer than the one that was agreed on. Give it a shorter one, or start it with ";
    private static final String FOLLOW =
            ": those that run follow it, and need not be stopped. Nothing new is granted for 2.2 of"
                    + " the longer ttl and 1 s, while what runs goes on";
    private static final String NEXT_VERSION =
            "Workers of a version and the one before it run side by side until the newer"
                    + " format is chosen: upgrade those of the older version";

    private static final String ONE_PROTOCOL =
            "All workers of a namespace speak one protocol, and the full protocol only if their users may have TIME and INFO in"
                    + " scripts: give all of them the same rights; to change the protocol, stop all workers and start the first"
                    + " one with ";

    private final Namespace namespace;
    /** What stands before and behind the longest ttl. */
    private final String head;

    private final String tail;
    private final Duration longestTtl;
    private final Replacement replacement;
    private final String server;
    private final Term term;
    private final AtomicBoolean rechecking = new AtomicBoolean();
    private final AtomicBoolean toldOlder = new AtomicBoolean();
    private final AtomicInteger doubts = new AtomicInteger();
    private final AtomicInteger settled = new AtomicInteger();
    private volatile @Nullable LeaseStoreException refusal;
    /** What the guards on this store have to agree on with those of others; null before there is one. */
    private volatile @Nullable String guard;

    /** With what names the quorum that the servers belong to, empty if they do not. */
    Agreement(
            Namespace namespace,
            Duration longestTtl,
            String quorum,
            Replacement replacement,
            String server,
            Term term) {
        this.namespace = namespace;
        Keyspace keyspace = namespace.keyspace();
        this.head = "namespace=" + keyspace.namespace() + " buckets=" + keyspace.buckets();
        this.tail = " hashing=" + Keyspace.HASHING + (quorum.isEmpty() ? "" : " quorum=" + quorum);
        this.longestTtl = longestTtl;
        this.replacement = replacement;
        this.server = server;
        this.term = term;
    }

    /** One line, for people and for comparison: but for the format, in which workers may differ by one. */
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
        return IntStream.rangeClosed(lowest(highest), highest)
                .filter(format -> same.equals(line(format, settings)))
                .findFirst()
                .orElse(0);
    }

    private static int lowest(int highest) {
        return Math.max(Added.FIRST_FORMAT, highest - 1);
    }

    /** A server may have other settings by now, or none: they are compared before the next lease. */
    void doubt() {
        doubts.incrementAndGet();
    }

    boolean isSettled() {
        return settled.get() == doubts.get() && !term.isOver();
    }

    /** Whether others may take this worker for gone, as it has not compared for so long. */
    boolean isOverdue() {
        return term.isOver();
    }

    /** Compares now and then from now on: so that others know for how long this worker counts, and this one hears of them. */
    void repeat() {
        term.repeat(longestTtl, namespace.scripts()::isClosed, this::renew);
    }

    void close() {
        term.close();
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
            return CompletableFuture.failedFuture(
                    differing(line(before), line(those), SAME_SETTINGS + Replacement.remedy("true")));
        }
        guard = those;
        if (!comparing) {
            return CompletableFuture.completedFuture(null);
        }
        LeaseStoreException old = refusal;
        return compareAll(true).handle((done, failure) -> {
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
        return compareAll(true);
    }

    /** Compares again, after a server lost its memory or was told other settings; replaces nothing. */
    CompletableFuture<Void> renew() {
        return compareAll(false);
    }

    /** Compares again in the background, one time after the other, so that a worker need not be started anew. */
    void recheck() {
        if (rechecking.compareAndSet(false, true)) {
            var unused = GuardThreads.ask(this::renew).whenComplete((done, failure) -> rechecking.set(false));
        }
    }

    private CompletableFuture<Void> compareAll(boolean replacing) {
        int comparing = doubts.get();
        long raises = namespace.quarantine().raises();
        NanoTime asked = term.now();
        boolean away = term.isOver();
        List<CompletableFuture<Compared>> calls = IntStream.range(
                        0, namespace.buckets().size())
                .mapToObj(bucket -> compare(bucket, replacing, away))
                .toList();
        return CompletableFuture.allOf(calls.toArray(CompletableFuture<?>[]::new))
                .thenAccept(all -> {
                    List<Compared> answers =
                            calls.stream().map(CompletableFuture::join).toList();
                    settled.accumulateAndGet(comparing, Math::max);
                    if (answers.stream().allMatch(answer -> answer.longest().compareTo(longestTtl) >= 0)) {
                        term.from(asked);
                        answers.stream()
                                .map(Compared::longest)
                                .max(Duration::compareTo)
                                .ifPresent(longest -> lower(longest, raises));
                    }
                    if (answers.stream().allMatch(Compared::agreed)) {
                        refusal = null;
                    }
                });
    }

    /** What a bucket has noted. */
    private record Compared(boolean agreed, Duration longest) {}

    private CompletableFuture<Compared> compare(int index, boolean replacing, boolean away) {
        return namespace
                .scripts()
                .inDialect(dialect ->
                        compare(index, replacing, away, dialect.protocol().setting()));
    }

    private CompletableFuture<Compared> compare(int index, boolean replacing, boolean away, String protocol) {
        String settings = settings() + protocol;
        boolean any = replacing && replacement.all();
        // What others have said before counts where a server has forgotten it, and not for whoever comes to replace it.
        String noting = any ? settings : settings(namespace.quarantine().longestTtl()) + protocol;
        Bucket bucket = namespace.buckets().get(index);
        // In a namespace that a server has forgotten there may still be workers of the version before.
        String line = line(any ? namespace.format() : bucket.format(), noting);
        String those = guard;
        return ask(index, line, any, List.of("", ""), those)
                .thenCompose(noted -> {
                    String instead = replacing
                            ? replacement.line(
                                    noted.get(0) + " " + noted.get(1),
                                    line(namespace.format(), settings),
                                    those == null ? String.valueOf(noted.get(1)) : those,
                                    lowest(namespace.format()),
                                    namespace.format())
                            : away ? raised(String.valueOf(noted.get(0)), settings) : null;
                    return instead == null
                            ? CompletableFuture.completedFuture(noted)
                            : ask(index, instead, true, noted, those);
                })
                .thenApply(noted -> judged(bucket, noted, settings, those));
    }

    /** Where others have lowered the longest ttl, as nothing was heard of this worker for long, which is there after all. */
    private @Nullable String raised(String noted, String settings) {
        boolean lowered = LongestTtl.in(noted).compareTo(longestTtl) < 0;
        String raised = LongestTtl.replaced(noted, longestTtl);
        if (!lowered || formatOf(raised, settings, namespace.format()) == 0) {
            return null;
        }
        LOG.warn(
                "workers of namespace {} on Redis at {} have gone on with a longest ttl of {} ms, as this one did not show itself,"
                        + " which has {} ms: it is raised again, and nothing new is granted until longer leases would have run out",
                namespace.keyspace().namespace(),
                server,
                LongestTtl.in(noted).toMillis(),
                longestTtl.toMillis());
        return raised;
    }

    private CompletableFuture<List<Object>> ask(
            int index, String line, boolean replacing, List<Object> instead, @Nullable String those) {
        return namespace
                .scripts()
                .call(
                        Script.SETTINGS,
                        ReturnType.LIST,
                        List.of(namespace.keyspace().meta(index)),
                        line,
                        replacing ? "1" : "0",
                        namespace.quarantine().whenLost(),
                        those == null ? "" : those,
                        those == null ? "0" : "1",
                        Long.toString(longestTtl.toMillis()),
                        term.millis(),
                        Term.WHO,
                        instead.get(0),
                        instead.get(1));
    }

    private Compared judged(Bucket bucket, List<Object> noted, String settings, @Nullable String those) {
        String there = String.valueOf(noted.get(0));
        int format = formatOf(there, settings, namespace.format());
        boolean agreed = format > 0 && (those == null || noted.get(1).equals(those));
        if (agreed) {
            bucket.agreed(format);
            follow(there);
            tellOlder(format);
        } else {
            String here = (line(namespace.format(), settings) + " " + (those == null ? "" : those)).strip();
            String all = (there + " " + noted.get(1)).strip();
            String named = Replacement.obstacles(
                    those == null ? there : all, here, lowest(namespace.format()), namespace.format());
            refuse(differing(
                    all,
                    here,
                    (format > 0 ? SAME_SETTINGS + Replacement.remedy(named) : remedy(there, settings, named))));
        }
        return new Compared(agreed, LongestTtl.in(there));
    }

    private void lower(Duration longest, long raises) {
        Duration before = namespace.quarantine().lower(longest, raises);
        if (before != null) {
            LOG.info(
                    "no worker of namespace {} on Redis at {} has had a longest ttl of {} ms for {} ms: this one reckons with {} ms when"
                            + " that server loses its memory",
                    namespace.keyspace().namespace(),
                    server,
                    before.toMillis(),
                    term.millis(),
                    longest.toMillis());
        }
    }

    private void follow(String noted) {
        Duration longest = LongestTtl.in(noted);
        Duration before = namespace.quarantine().raise(longest);
        if (before != null) {
            LOG.info(
                    "workers of namespace {} on Redis at {} have agreed on a longest ttl of {} ms: this one, which had {} ms, reckons"
                            + " with it when that server loses its memory",
                    namespace.keyspace().namespace(),
                    server,
                    longest.toMillis(),
                    before.toMillis());
        }
    }

    private static String remedy(String there, String here, String named) {
        String same = LongestTtl.replaced(there, LongestTtl.in(here));
        if (same.endsWith(" " + here)) {
            return LongestTtl.in(there).compareTo(LongestTtl.in(here)) < 0
                    ? LONGER_TTL + Replacement.remedy(named) + FOLLOW
                    : NEXT_VERSION;
        }
        String portable = Protocol.PORTABLE.setting();
        boolean inProtocolOnly = same.endsWith(" " + here + portable) || (same + portable).endsWith(" " + here);
        return (inProtocolOnly ? ONE_PROTOCOL : SAME_SETTINGS) + Replacement.remedy(named);
    }

    private void tellOlder(int format) {
        if (format < namespace.format() && toldOlder.compareAndSet(false, true)) {
            LOG.info(
                    "namespace {} on Redis at {} is kept in format {}, which workers of the version before read. Once there are"
                            + " none any more, start one worker with {}",
                    namespace.keyspace().namespace(),
                    server,
                    format,
                    Replacement.remedy("format=" + format));
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

    /** Tells both settings, and how to mend it. */
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

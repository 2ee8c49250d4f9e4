package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.redisson.api.RedissonClient;
import org.redisson.api.options.KeysScanOptions;

/** Looks for the namespaces that guards have used; changes nothing. */
final class NamespaceSearch {

    /** What the guards of a namespace have agreed on stands in the first of its buckets. */
    private static final Pattern META = Pattern.compile("hapax:\\{([A-Za-z0-9_.-]{1,64}):0}:m");

    private static final String LIKE_META = "hapax:{*:0}:m";
    private static final int STEP = 500;

    private NamespaceSearch() {}

    static List<String> of(RedissonLeaseStore.Builder settings, List<String> urls) {
        TreeSet<String> all = new TreeSet<>();
        if (urls.isEmpty()) {
            all.addAll(settings.unseen(null).closing(NamespaceSearch::found));
        }
        if (urls.size() > 1) {
            QuorumOpening.check(urls);
        }
        for (String url : urls) {
            all.addAll(settings.unseen(url).closing(NamespaceSearch::found));
        }
        return List.copyOf(all);
    }

    private static List<String> found(RedissonClient redisson, String server) {
        try {
            return redisson.getKeys()
                    .getKeysStream(KeysScanOptions.defaults().pattern(LIKE_META).chunkSize(STEP))
                    .map(META::matcher)
                    .filter(Matcher::matches)
                    .map(key -> key.group(1))
                    .toList();
        } catch (RuntimeException e) {
            throw new LeaseStoreException(
                    RedisTrouble.of(e).asReasonWhy("cannot look for namespaces in Redis at " + server), e);
        }
    }
}

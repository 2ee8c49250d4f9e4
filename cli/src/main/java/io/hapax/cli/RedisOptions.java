package io.hapax.cli;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.ServerHealth;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.time.DurationText;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the leases are. */
final class RedisOptions {

    /** A machine that starts a JVM at night, and connects, takes its time. */
    private static final Duration PATIENCE = Duration.ofSeconds(4);

    private static final Duration LONGEST_OF_A_WORKER = Duration.ofSeconds(2);
    private static final Duration SHORTEST = Duration.ofMillis(20);
    private static final int ATTEMPTS = 5;

    @Option(
            names = "--redis",
            paramLabel = "URL",
            description =
                    "redis://user:password@host:6379/0; three or five of them, with commas, form a quorum [REDIS_URL]")
    private @Nullable String redis;

    @Option(
            names = "--redis-file",
            paramLabel = "FILE",
            description = "in place of --redis: the workers' Redisson file, for Sentinel and Cluster [REDIS_FILE]")
    private @Nullable String file;

    @Option(names = "--ttl", paramLabel = "DURATION", description = "that of the workers, by default 30s [HAPAX_TTL]")
    private @Nullable String ttl;

    private List<String> urls() {
        return List.of(CommonOptions.setting(redis, "REDIS_URL", "redis://localhost:6379")
                .split("\\s*,\\s*"));
    }

    Duration ttl() {
        Duration longest = DurationText.parse("--ttl", CommonOptions.setting(ttl, "HAPAX_TTL", "30s"));
        if (longest.toMillis() < 100) {
            throw new IllegalArgumentException("--ttl must be at least 100ms, was " + longest.toMillis() + "ms");
        }
        return longest;
    }

    /** The file of those who have no address; of address and file, what was typed counts more than a variable. */
    private @Nullable Path file() {
        if (redis != null && file != null) {
            throw new IllegalArgumentException("give either --redis or --redis-file, not both");
        }
        String name = redis != null ? "" : CommonOptions.setting(file, "REDIS_FILE", "");
        if (!name.isEmpty()
                && file == null
                && !CommonOptions.setting(null, "REDIS_URL", "").isEmpty()) {
            throw new IllegalArgumentException("set either REDIS_URL or REDIS_FILE, not both");
        }
        return name.isEmpty() ? null : Path.of(name);
    }

    /** Looks at the servers with the settings of a worker. */
    List<Finding> examine(String namespace) {
        RedissonLeaseStore.Builder worker = builder(namespace, answerTimeout());
        Path config = file();
        if (config != null) {
            return worker.yaml(config).examine(List.of());
        }
        List<String> urls = urls();
        return urls.size() == 1 ? worker.url(urls.get(0)).examine(List.of()) : worker.examine(urls);
    }

    /** The namespaces that workers have used there. */
    List<String> namespaces() {
        RedissonLeaseStore.Builder any = builder("any", PATIENCE);
        Path config = file();
        if (config != null) {
            return any.yaml(config).namespaces(List.of());
        }
        List<String> urls = urls();
        return urls.size() == 1 ? any.url(urls.get(0)).namespaces(List.of()) : any.namespaces(urls);
    }

    /** How long a worker with this ttl waits for an answer. */
    Duration answerTimeout() {
        Duration sixth = ttl().dividedBy(6);
        Duration timeout = sixth.compareTo(LONGEST_OF_A_WORKER) < 0 ? sixth : LONGEST_OF_A_WORKER;
        return timeout.compareTo(SHORTEST) < 0 ? SHORTEST : timeout;
    }

    private RedissonLeaseStore.Builder builder(String namespace, Duration answerTimeout) {
        return RedissonLeaseStore.builder()
                .namespace(namespace)
                .longestTtl(ttl())
                .answerTimeout(answerTimeout)
                .lazy(true);
    }

    /** A store that takes no lease, and so tells the server nothing of itself. */
    AdministeredStore open(String namespace) {
        return open(builder(namespace, PATIENCE));
    }

    /**
     * A store as a worker with these settings has it.
     *
     * @param lazy whether it is there also while its server is not
     */
    LeaseStore openForRuns(String namespace, boolean lazy) {
        return open(builder(namespace, answerTimeout()).lazy(lazy));
    }

    private AdministeredStore open(RedissonLeaseStore.Builder builder) {
        Path config = file();
        if (config != null) {
            return builder.yaml(config).build();
        }
        List<String> urls = urls();
        return urls.size() == 1 ? builder.url(urls.get(0)).build() : builder.quorum(urls);
    }

    /** Asks what changes nothing; a quorum waits less for its servers than connecting takes, so it is asked again. */
    <T> T ask(AdministeredStore store, Function<LeaseAdmin, CompletionStage<T>> question) {
        int attempts = attempts();
        while (true) {
            try {
                return CommonOptions.answer(question.apply(store.admin()));
            } catch (LeaseStoreException e) {
                attempts--;
                if (attempts == 0) {
                    throw e;
                }
            }
        }
    }

    /** Asks every server how it is; those of a quorum again, as above. */
    List<ServerHealth> servers(AdministeredStore store) {
        List<ServerHealth> servers = CommonOptions.answer(store.admin().servers());
        for (int n = 1; n < attempts() && servers.stream().anyMatch(RedisOptions::isSilent); n++) {
            servers = CommonOptions.answer(store.admin().servers());
        }
        return servers;
    }

    private int attempts() {
        return file() != null || urls().size() == 1 ? 1 : ATTEMPTS;
    }

    private static boolean isSilent(ServerHealth server) {
        return server.latency().isZero();
    }
}

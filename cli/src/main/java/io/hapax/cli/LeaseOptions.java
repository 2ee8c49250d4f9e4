package io.hapax.cli;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStore;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.LeaseAdmin;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Where the workers keep leases: in Redis, or in the PostgreSQL that may have their ledger as well. */
final class LeaseOptions {

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration SHORTEST_OF_A_DATABASE = Duration.ofMillis(100);

    @Option(
            names = "--leases",
            paramLabel = "STORE",
            description = "redis or postgres: where the workers keep leases, by default redis; postgres is that of"
                    + " --database [HAPAX_LEASES]")
    private @Nullable String leases;

    @Mixin
    private final RedisOptions redis = new RedisOptions();

    @Mixin
    private final DatabaseOptions database = new DatabaseOptions();

    boolean areInPostgres() {
        String store = CommonOptions.setting(leases, "HAPAX_LEASES", "redis");
        return switch (store) {
            case "redis" -> false;
            case "postgres" -> true;
            default -> throw new IllegalArgumentException("--leases must be redis or postgres, was '" + store + "'");
        };
    }

    RedisOptions redis() {
        return redis;
    }

    DatabaseOptions database() {
        return database;
    }

    Duration ttl() {
        return redis.ttl();
    }

    /** The namespaces that workers have used there. */
    List<String> namespaces() {
        return areInPostgres() ? database.namespacesOfLeases() : redis.namespaces();
    }

    /** How long a worker with this ttl waits for an answer of PostgreSQL. */
    Duration answerTimeoutOfDatabase() {
        Duration timeout = redis.answerTimeout();
        return timeout.compareTo(SHORTEST_OF_A_DATABASE) < 0 ? SHORTEST_OF_A_DATABASE : timeout;
    }

    /** A store that takes no lease, and so tells the server nothing of itself. */
    AdministeredStore open(String namespace) {
        return areInPostgres() ? database.leases(namespace, PATIENCE).openForOperators() : redis.open(namespace);
    }

    /**
     * A store as a worker with these settings has it.
     *
     * @param lazy whether it is there also while its server is not, if that is Redis
     */
    LeaseStore openForRuns(String namespace, boolean lazy) {
        return areInPostgres()
                ? database.leases(namespace, answerTimeoutOfDatabase()).build()
                : redis.openForRuns(namespace, lazy);
    }

    /** Asks what changes nothing. */
    <T> T ask(AdministeredStore store, Function<LeaseAdmin, CompletionStage<T>> question) {
        return areInPostgres() ? CommonOptions.answer(question.apply(store.admin())) : redis.ask(store, question);
    }

    /** Looks at the servers of the leases with the settings of a worker. */
    List<Finding> examine(String namespace) {
        return areInPostgres()
                ? database.leases(namespace, answerTimeoutOfDatabase()).examine()
                : redis.examine(namespace);
    }
}

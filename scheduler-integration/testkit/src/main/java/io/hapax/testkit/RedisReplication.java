package io.hapax.testkit;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** What servers that replicate each other have in common, with Sentinel or Cluster. */
final class RedisReplication {

    private static final long LONGEST_WAIT = TimeUnit.SECONDS.toNanos(60);

    /** Without a delay before a full copy, and with quick signs of life, so that tests need not wait. */
    static final List<String> QUICK = List.of(
            "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--repl-timeout", "5", "--hz", "50");

    private RedisReplication() {}

    /** The value of a field of INFO, or an empty text. */
    static String info(EmbeddedRedis server, String section, String field) {
        return server.command("INFO", section)
                .lines()
                .filter(line -> line.startsWith(field + ":"))
                .map(line -> line.substring(field.length() + 1).trim())
                .findFirst()
                .orElse("");
    }

    static boolean isMaster(EmbeddedRedis server) {
        return info(server, "replication", "role").equals("master");
    }

    static boolean linked(EmbeddedRedis replica) {
        return info(replica, "replication", "master_link_status").equals("up");
    }

    /** Waits until a replica has all that its master has now: it says that it is linked before it does. */
    static void awaitCopy(EmbeddedRedis master, EmbeddedRedis replica) {
        long written = Long.parseLong(info(master, "replication", "master_repl_offset"));
        await(
                "the replica on port " + replica.port() + " to have what its master has",
                () -> Long.parseLong(info(replica, "replication", "slave_repl_offset")) >= written);
    }

    /** A replica that is refused at the login stays a replica, is promoted like any other, and misses every write. */
    static void cut(EmbeddedRedis master, EmbeddedRedis replica) {
        if (linked(replica)) {
            awaitCopy(master, replica);
        }
        replica.command("CONFIG", "SET", "masteruser", "nobody", "masterauth", "refused");
        master.command("CLIENT", "KILL", "TYPE", "replica");
        await("the replica on port " + replica.port() + " to be cut off", () -> !linked(replica));
    }

    static void heal(EmbeddedRedis replica) {
        replica.command("CONFIG", "SET", "masteruser", "", "masterauth", "");
    }

    static void await(String what, BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!holds(condition)) {
            if (System.nanoTime() - start > LONGEST_WAIT) {
                throw new IllegalStateException("waited for 60 s in vain for " + what);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            if (Thread.currentThread().isInterrupted()) {
                throw new IllegalStateException("interrupted while waiting for " + what);
            }
        }
    }

    /** A server that does not answer, or refuses for now, may do so later. */
    private static boolean holds(BooleanSupplier condition) {
        try {
            return condition.getAsBoolean();
        } catch (RuntimeException notYet) {
            return false;
        }
    }
}

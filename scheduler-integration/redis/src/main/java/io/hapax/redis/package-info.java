/**
 * Leases in Redis, through Redisson and our own scripts; for callers that block, over plain connections of Jedis as well.
 *
 * <h2>To use it</h2>
 *
 * <pre>{@code
 * LeaseStore store = RedissonLeaseStore.connect("redis://localhost:6379", "shop");
 *
 * LeaseStore store = RedissonLeaseStore.builder()
 *         .url("rediss://user:password@redis.example.org:6380/0")   // or .yaml(file), or .client(redisson)
 *         .namespace("billing")
 *         .build();
 * }</pre>
 *
 * By properties, an address that starts with {@code redis://} or {@code rediss://} finds this store; the settings are
 * {@code namespace}, {@code answerTimeout}, {@code longestTtl}, {@code firstStart}, {@code lazy}, {@code waitForReplicas} and
 * {@code replaceSettings}. Sentinel and Cluster are
 * configured by a Redisson YAML file. Workers of a namespace live under the longest {@code longestTtl} that they
 * have agreed on; one that has a longer one does not start, unless it says {@code replaceSettings}.
 *
 * <p>Close the store when the application ends: Redisson's threads are not daemons, and keep the JVM alive.
 *
 * <h2>What it keeps</h2>
 *
 * <table>
 * <caption>Keys; {@code b} is the bucket: 0, or 0 to 63 on a Cluster</caption>
 * <tr><th>key</th><th>what</th><th>lives</th></tr>
 * <tr><td>{@code hapax:{namespace:b}:l:text}, {@code …:s:number:text}, {@code …:r:text}</td><td>lease on a lock key, on a slot
 *     of one, on a run key</td><td>its ttl</td></tr>
 * <tr><td>{@code hapax:{namespace:b}:d:text}</td><td>marker of a run key that is over, done or failed</td><td>the
 *     retention</td></tr>
 * <tr><td>{@code hapax:{namespace:b}:h:l:text}, {@code …:h:r:text}</td><td>pause of a lock key, of a run key</td><td>as long as
 *     asked for</td></tr>
 * <tr><td>{@code hapax:{namespace:b}:o:job}</td><td>how the last 100 runs of a job ended</td><td>90 days after the last
 *     one</td></tr>
 * <tr><td>{@code hapax:{namespace:b}:w:…}</td><td>which processes wait for this lease</td><td>a little longer than the
 *     lease</td></tr>
 * <tr><td>{@code hapax:{namespace:b}:p:…}</td><td>places: throttles, queues, who waits for its turn</td><td>the time asked
 *     for</td></tr>
 * <tr><td>{@code hapax:{namespace:b}:a}</td><td>who has taken leases away or paused keys, and why; the newest 1000</td><td>90 days after
 *     the last one</td></tr>
 * <tr><td>{@code hapax:{namespace:0}:f}, {@code …:f:worker}, {@code …:v}</td><td>the board: what each worker is at, and
 *     whether somebody reads it</td><td>seconds to minutes</td></tr>
 * <tr><td>{@code hapax:{namespace:b}:m}</td><td>meta: {@code run} of the server, since when ({@code seen}) and until
 *     when ({@code until}) it is in quarantine and {@code why}, the {@code last} token, the {@code settings} on which all
 *     workers agree, and their guards ({@code guard})</td><td>for ever</td></tr>
 * </table>
 *
 * Leases and markers read {@code owner|token|micros|digest|worker|run}, and what a later format has added. A text that is long or has odd characters becomes
 * a readable start, a tilde and a digest. Wake-ups go through the channel {@code hapax:namespace:wake}.
 *
 * <h2>What it asks of the server</h2>
 *
 * Redis 7.0 or Valkey 7.2, or newer, with {@code maxmemory-policy noeviction} and a clock that is not set by hand. A
 * user of it needs no more than
 *
 * <pre>{@code
 * ACL SETUSER hapax reset on >PASSWORD
 *     ~hapax:{NAMESPACE:*}:* &hapax:NAMESPACE:wake -@all
 *     +evalsha +eval +ping +client|setname +subscribe +unsubscribe +publish
 *     +get +mget +set +del +pexpire +pttl +hset +hmget
 *     +zadd +zrem +zscore +zrange +zrangebyscore +zremrangebyscore
 *     +time +info +lpush +ltrim +lrange +scan
 * }</pre>
 *
 * where {@code NAMESPACE} stands for the store's. What each of them is for, and what Cluster, Sentinel, a database other than
 * 0, {@code waitForReplicas} and a client of the application need beyond that, is in docs/security.md.
 *
 * Where a service refuses {@code TIME} or {@code INFO} in scripts, or keys that they do not declare, the store speaks a portable
 * protocol instead, in which callers say who the server is, by {@code INFO} on their connection, and what time it is. The log
 * names the protocol at the start; docs/servers.md tells what it promises less, and docs/design.md what it keeps elsewhere.
 *
 * <h2>How it asks</h2>
 *
 * Requests for leases and releases that are made while others are on their way share calls of one script. Callers that
 * block ({@link io.hapax.lease.LeaseStore#blocking()}) carry them out on their own threads, where the store has a
 * {@code redis://} address of its own; everything else goes through Redisson.
 *
 * <h2>When the server loses its memory</h2>
 *
 * The scripts notice a server process that they do not know, by its {@code run_id}, and a
 * master that was a replica meanwhile, by its {@code second_repl_offset}. It then grants nothing for a while:
 *
 * <ul>
 *   <li>restarted, or failed over: 1.1 of the longest ttl and 1 s, since it may have forgotten the newest leases; with
 *       replicas 2.2, as a master that hangs may still renew while its replica is promoted;
 *   <li>emptied while this worker knew it, or its clock set back to before it was first seen: the same;
 *   <li>new to this worker as well: a third of the longest ttl and two answer timeouts, the time in which live holders
 *       renew. None at all within 10 minutes of the namespace's {@code firstStart}, if one was named, or if the server proves by its {@code INFO} that it has
 *       forgotten nothing that can still count: no Cluster, never a replica, up for longer than the first wait above, and
 *       nothing evicted or flushed since.
 * </ul>
 *
 * Meanwhile renewals and completions of leases that it has forgotten are taken on the holder's word, so running jobs go
 * on. The log says once why it waits and until when.
 *
 * <h2>When an answer does not come</h2>
 *
 * Every stage ends within the answer timeout. The client sends a command again when no answer came, so all scripts are
 * idempotent by owner: asking again gives the same lease, releasing as done again is true. Releasing as not done again
 * may be false, as no trace of the first is kept; nothing is left to be done either way. A grant whose answer was lost is
 * given back by {@code withdraw}; should the withdrawal overtake the grant, the lease runs out after its ttl.
 */
@NullMarked
package io.hapax.redis;

import org.jspecify.annotations.NullMarked;

/**
 * Leases in Redis, through Redisson and our own scripts.
 *
 * <p>Rights that a Redis user needs: the keys {@code hapax:*}, the channels {@code hapax:*}, and the commands
 * {@code evalsha eval script|load get set del pexpire pttl hset hmget time info ping hello auth client|setname select
 * publish subscribe unsubscribe}.
 */
@NullMarked
package io.hapax.redis;

import org.jspecify.annotations.NullMarked;

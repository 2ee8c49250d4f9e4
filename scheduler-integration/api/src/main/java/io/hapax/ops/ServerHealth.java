package io.hapax.ops;

import java.time.Duration;

/**
 * How a server is. Immutable.
 *
 * @param server its address, without credentials
 * @param answers whether it answers and grants leases
 * @param latency how long its answer took; zero if there was none
 * @param detail what it says of itself, or what the trouble is, for display
 */
public record ServerHealth(String server, boolean answers, Duration latency, String detail) {}

/**
 * For tests of your own code: a store and a ledger in memory, a clock that is moved by hand, and faults that are injected. Needs no test
 * framework and no server. Contracts for those who write a store, and real servers, are in {@code hapax-testkit}.
 */
@NullMarked
package io.hapax.test;

import org.jspecify.annotations.NullMarked;

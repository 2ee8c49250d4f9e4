/**
 * What is kept in PostgreSQL: the ledger of runs, with one row per occurrence and a fence that a run which was taken over cannot pass;
 * and, for those who have no Redis, leases ({@link io.hapax.postgres.PostgresLeaseStore}, docs/postgres-leases.md). What follows is about
 * the ledger; tables, rights and promises of leases are in {@code io/hapax/postgres/hapax-leases-1.sql} and docs/security.md.
 *
 * <h2>Tables</h2>
 *
 * <p>The file {@code io/hapax/postgres/hapax-ledger-1.sql} in the jar creates them, with Flyway, Liquibase or psql, or
 * {@code migrate(true)} applies it. Nothing is ever dropped.
 *
 * <table>
 * <caption>What they hold</caption>
 * <tr><th>table</th><th>content</th></tr>
 * <tr><td>{@code hapax_run}</td><td>one row per occurrence: its last run, its state, its fencing token</td></tr>
 * <tr><td>{@code hapax_renewal}</td><td>until when runs that take longer count as alive</td></tr>
 * <tr><td>{@code hapax_audit}</td><td>who has decided about abandoned occurrences, and why; kept for ever</td></tr>
 * <tr><td>{@code hapax_settings}</td><td>settings on which all workers of a namespace agree</td></tr>
 * <tr><td>{@code hapax_schema}</td><td>the version of these tables</td></tr>
 * <tr><td>{@code hapax_fence}</td><td>the highest fencing token of occurrences that were forgotten; never set it back</td></tr>
 * </table>
 *
 * <h2>Rights</h2>
 *
 * <p>The application's role needs these; creating the tables is somebody else's right unless {@code migrate(true)} is used.
 * Roles that only complete ({@code completeIn} through a second pool) need SELECT and UPDATE on {@code hapax_run}. What
 * each right is for, and a role that only reads: docs/security.md.
 *
 * <pre>{@code
 * GRANT USAGE ON SCHEMA public TO hapax;
 * GRANT SELECT, INSERT, UPDATE, DELETE ON hapax_run, hapax_renewal TO hapax;
 * GRANT SELECT, INSERT ON hapax_settings, hapax_audit TO hapax;
 * GRANT SELECT ON hapax_schema TO hapax;
 * GRANT SELECT, INSERT, UPDATE ON hapax_fence TO hapax;
 * }</pre>
 *
 * <p>DELETE is for the clean-up; without it, switch that off with {@code cleanUpEvery(Duration.ZERO)} and delete by other
 * means.
 *
 * <h2>What is promised</h2>
 *
 * <ul>
 *   <li>Per run key, at most one run ever completes, whatever leases, clocks, pauses and crashes do, as long as the row is
 *       kept (its retention).
 *   <li>What a run writes in the transaction in which it calls {@code completeIn} takes effect if and only if its
 *       completion does.
 *   <li>At most one run at a time holds a lock key: a unique index sees to it.
 *   <li>Fencing tokens grow with every claim on a lock key.
 *   <li>A user's transaction that stays open after {@code completeIn} holds up nobody but those who want that occurrence.
 * </ul>
 *
 * <h2>What is not</h2>
 *
 * <ul>
 *   <li>That the code of a job runs once, or that its effects elsewhere (a mail, another database) take place once: hand
 *       over the run key or the fencing token there, or use a {@link io.hapax.postgres.FencedTable}.
 *   <li>Anything with two primaries, with {@code synchronous_commit} off, or after a failover to a standby that had not
 *       received the last commits.
 *   <li>An answer: if the database does not give one within the answer timeout, a request fails, and may still be carried
 *       out.
 * </ul>
 */
@NullMarked
package io.hapax.postgres;

import org.jspecify.annotations.NullMarked;

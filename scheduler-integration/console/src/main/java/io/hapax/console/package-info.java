/**
 * A page for the operator: what runs now and who holds it, why runs were skipped, what was lost, how Redis and the ledger
 * are; and, for those who have the credential, forced releases and decisions about abandoned occurrences.
 *
 * <pre>{@code
 * Console console = Console.builder(store).ledger(ledger).credential(token).build();
 * JobGuard guard = JobGuard.builder(store).ledger(ledger).listener(console).build();
 * console.start(guard);
 * context.addServlet(console.servlet(), "/hapax/*"); // async supported
 * }</pre>
 *
 * <h2>How it knows</h2>
 *
 * Every worker with a console puts up, each second, what has changed ({@link io.hapax.ops.FleetBoard#post}): a summary
 * as long as nobody reads, its runs (at most 1 000) while somebody does. The page reads what is new of all workers, and never
 * looks through Redis, unless somebody asks it to. Events and the chart are those that the
 * living workers remember: an hour, and the last 200.
 *
 * <h2>Who may do what</h2>
 *
 * <ul>
 *   <li>Without a credential: clients on the same machine may read, nobody may change anything.
 *   <li>With one: everything but the bare page needs it, as {@code Authorization: Bearer …} or by the page's login, whose
 *       session is a cookie that scripts and other sites cannot use. Changes need, besides, the session's CSRF token, the
 *       page's own origin, a reason, an actor and the key once more; each leaves a log line, an event and an entry in the
 *       audit.
 * </ul>
 */
@NullMarked
package io.hapax.console;

import org.jspecify.annotations.NullMarked;

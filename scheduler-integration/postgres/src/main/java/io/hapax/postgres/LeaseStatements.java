package io.hapax.postgres;

import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * All SQL of the lease store but for what {@code hapax-leases-1.sql} has, in one place. {@code $} stands for the schema's
 * prefix.
 */
record LeaseStatements(String prefix) {

    private static final String COLUMNS = """
            l.on_run, l.key, l.slot, l.slot_limit, l.owner, l.fencing_token, l.worker, l.run_key, l.since,
            greatest(0, least(l.ttl_ms, ceil(extract(epoch FROM l.expires_at - clock_timestamp()) * 1000)))::bigint AS left_ms,
            EXISTS (SELECT 1 FROM $hapax_lease_wait w WHERE w.key = l.key AND w.namespace = l.namespace
              AND w.on_run = l.on_run AND w.until > clock_timestamp()) AS awaited""";

    private static final String LIVES = "l.held AND l.expires_at > clock_timestamp()";

    /** What is answered is durable, whatever the role has set. */
    private static final String DURABLY =
            "CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END";

    /**
     * Before anything is locked, and for this transaction alone: where somebody keeps a lock, the server gives up before the caller does, and
     * no process of it is left behind that waits, and would carry out what nobody waits for any more.
     */
    private static final String PATIENTLY =
            "(SELECT ?::text AS namespace, set_config('lock_timeout', ?::bigint::text, true) OFFSET 0) patience";

    private static final String NO_CLEAN_UP =
            "the clean-up forgets less than it should: set cleanUpEvery(Duration.ZERO) and delete by other means";

    private String sql(String text) {
        return text.replace("$", prefix);
    }

    /** Gives leases out and takes them back, and waits for what others have locked for so many milliseconds at the most. */
    String exchange() {
        return sql("SELECT e.* FROM " + PATIENTLY
                + " CROSS JOIN LATERAL $hapax_lease_exchange(patience.namespace, ?, ?, ?, ?, ?,"
                + " ?, ?, ?, ?, ?, ?, ?, ?, ?) e");
    }

    /**
     * Pushes expiries forward. A grant of a lease that has lapsed locks its row first: a row that is locked
     * is left out, and asked for again. What lapsed before its row was locked is not revived: another slot may have been granted
     * meanwhile.
     */
    String renew() {
        return sql(String.format(Locale.ROOT, """
                WITH mine AS MATERIALIZED (
                  SELECT a.n, a.ttl_ms, r.* FROM
                  unnest(?::boolean[], ?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[]) WITH ORDINALITY
                    AS a (on_run, key, slot, owner, token, ttl_ms, n)
                  CROSS JOIN LATERAL (
                    SELECT l.namespace, l.on_run, l.key, l.slot FROM $hapax_lease l
                    WHERE l.key = a.key AND l.namespace = ? AND l.on_run = a.on_run AND l.slot = a.slot
                      AND l.owner = a.owner AND l.fencing_token = a.token AND %s
                    OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) r
                  CROSS JOIN (SELECT %s OFFSET 0) durably)
                UPDATE $hapax_lease l SET expires_at = clock_timestamp() + m.ttl_ms * interval '1 ms', ttl_ms = m.ttl_ms
                FROM mine m
                WHERE l.key = m.key AND l.namespace = m.namespace AND l.on_run = m.on_run AND l.slot = m.slot AND %s
                RETURNING m.n
                """, LIVES, DURABLY, LIVES));
    }

    /** Who holds what is asked for: that very lease, not others of its family. */
    String lookUp() {
        return sql(String.format(Locale.ROOT, """
                SELECT a.n, %s FROM unnest(?::boolean[], ?::text[], ?::bigint[]) WITH ORDINALITY AS a (on_run, key, slot, n)
                JOIN $hapax_lease l ON l.key = a.key AND l.namespace = ? AND l.on_run = a.on_run AND l.slot = a.slot AND %s
                """, COLUMNS, LIVES));
    }

    /** The lease on a key or slot; or, of a key of which only slots are held, if asked to, the first of them. */
    String holder() {
        return sql(String.format(Locale.ROOT, """
                SELECT %s FROM $hapax_lease l
                WHERE l.key = ? AND l.namespace = ? AND l.on_run = ? AND (l.slot = ? OR ?) AND %s
                ORDER BY l.slot LIMIT 1
                """, COLUMNS, LIVES));
    }

    String leases() {
        return sql(String.format(Locale.ROOT, """
                SELECT %s FROM $hapax_lease l WHERE l.namespace = ? AND %s LIMIT ?
                """, COLUMNS, LIVES));
    }

    String force() {
        return sql("SELECT l.owner, l.fencing_token, l.worker, l.run_key, l.since"
                + " FROM $hapax_lease_force(?, ?, ?, ?, ?, ?, ?, ?, ?) l");
    }

    /**
     * The pause and its entry in the audit, or neither; behind the gate of the key, so that a caller that is refused because of a pause sees each
     * lease that was granted before it.
     */
    String pause() {
        return sql("""
                WITH asked AS MATERIALIZED (
                  SELECT ?::text AS namespace, ?::boolean AS on_run, ?::text AS key, ?::text AS actor, ?::text AS reason,
                    ?::bigint AS ms),
                gate AS MATERIALIZED (
                  SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(E'\\x01', 'hapax lease', namespace, on_run, key), 0))
                  FROM asked),
                paused AS (
                  INSERT INTO $hapax_lease_pause (namespace, on_run, key, actor, reason, since, until)
                  SELECT namespace, on_run, key, actor, reason, clock_timestamp(), clock_timestamp() + ms * interval '1 ms'
                  FROM asked CROSS JOIN gate
                  ON CONFLICT (key, namespace, on_run) DO UPDATE SET actor = excluded.actor, reason = excluded.reason,
                    since = excluded.since, until = excluded.until
                  RETURNING namespace, actor, reason)
                INSERT INTO $hapax_lease_audit (namespace, action, subject, actor, reason, holder)
                SELECT namespace, 'PAUSE', ?, actor, reason, '' FROM paused
                """);
    }

    /** Likewise. */
    String resume() {
        return sql("""
                WITH resumed AS (
                  DELETE FROM $hapax_lease_pause WHERE key = ? AND namespace = ? AND on_run = ?
                  RETURNING namespace, until > clock_timestamp() AS was_paused)
                INSERT INTO $hapax_lease_audit (namespace, action, subject, actor, reason, holder)
                SELECT namespace, 'RESUME', ?, ?, ?, '' FROM resumed WHERE was_paused
                """);
    }

    String paused() {
        return sql("""
                SELECT actor, reason, since, ceil(extract(epoch FROM until - clock_timestamp()) * 1000)::bigint AS left_ms
                FROM $hapax_lease_pause WHERE key = ? AND namespace = ? AND on_run = ? AND until > clock_timestamp()
                """);
    }

    String pauses() {
        return sql("""
                SELECT key, on_run, actor, reason, since, ceil(extract(epoch FROM until - clock_timestamp()) * 1000)::bigint AS left_ms
                FROM $hapax_lease_pause WHERE namespace = ? AND until > clock_timestamp() LIMIT ?
                """);
    }

    /** Which run has ended an occurrence. */
    String marker() {
        return sql("SELECT fencing_token FROM $hapax_lease_done"
                + " WHERE run_key = ? AND namespace = ? AND forget_at > clock_timestamp()");
    }

    /** Forgets what that run has ended, not what a later one has; with its entry in the audit, or neither. */
    String runAgain() {
        return sql("""
                WITH forgotten AS (
                  DELETE FROM $hapax_lease_done
                  WHERE run_key = ? AND namespace = ? AND fencing_token = ? AND forget_at > clock_timestamp()
                  RETURNING namespace)
                INSERT INTO $hapax_lease_audit (namespace, action, subject, actor, reason, holder)
                SELECT namespace, 'RUN_AGAIN', ?, ?, ?, '' FROM forgotten
                """);
    }

    String history() {
        return sql("""
                SELECT owner, fencing_token, worker, run_key, since, ended_at, outcome FROM $hapax_lease_history
                WHERE job = ? AND namespace = ? ORDER BY ended_at DESC LIMIT ?
                """);
    }

    String audit() {
        return sql("""
                SELECT at, action, subject, actor, reason, holder FROM $hapax_lease_audit
                WHERE namespace = ? ORDER BY at DESC LIMIT ?
                """);
    }

    /** Keeps places; the names are in order, so that two batches do not wait for each other. */
    String keepPlaces() {
        return sql(String.format(Locale.ROOT, """
                SELECT a.n, k.has, k.first, k.left_ms FROM
                %s
                CROSS JOIN (SELECT * FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[]) WITH ORDINALITY
                  AS u (name, holder, places, time_ms, n) ORDER BY n OFFSET 0) a
                CROSS JOIN LATERAL $hapax_place_keep(patience.namespace, a.name, a.holder, a.places, a.time_ms) k
                """, PATIENTLY));
    }

    String holders() {
        return sql("SELECT holder FROM $hapax_place WHERE name = ? AND namespace = ? AND until > clock_timestamp()"
                + " ORDER BY until, holder");
    }

    /**
     * What cannot follow what is there is not taken: then another place is returned than was given. One statement, so that nobody sees the
     * one without the other, and that a change which comes late takes the place of none.
     */
    String post() {
        return sql("""
                WITH given (namespace, worker, summary, lifetime_ms, starts, edition, number, change, clock_ms) AS (
                  VALUES (?::text, ?::text, ?::text, ?::bigint, ?::boolean, ?::text, ?::bigint, ?::text, ?::bigint)),
                posted AS (
                  INSERT INTO $hapax_lease_report AS r (namespace, worker, summary, until, edition, newest, clock_ms)
                  SELECT namespace, worker, summary, clock_timestamp() + lifetime_ms * interval '1 ms',
                    CASE WHEN starts THEN edition ELSE '' END, CASE WHEN starts THEN number ELSE 0 END, clock_ms
                  FROM given
                  ON CONFLICT (worker, namespace) DO UPDATE SET
                    until = excluded.until,
                    summary = coalesce(excluded.summary, r.summary),
                    clock_ms = excluded.clock_ms,
                    edition = (SELECT CASE WHEN g.starts THEN g.edition ELSE r.edition END FROM given g),
                    newest = (
                      SELECT CASE
                        WHEN g.starts THEN g.number
                        WHEN r.edition = g.edition AND r.newest = g.number - 1 AND g.change IS NOT NULL THEN g.number
                        ELSE r.newest END
                      FROM given g),
                    asked = r.asked AND NOT (SELECT g.starts FROM given g)
                  RETURNING r.edition, r.newest, r.asked, r.summary IS NOT NULL AS has_summary),
                put_up AS (
                  INSERT INTO $hapax_lease_report_change (namespace, worker, place, edition, number, change)
                  SELECT g.namespace, g.worker, g.number % 30, g.edition, g.number, g.change
                  FROM given g JOIN posted p ON p.edition = g.edition AND p.newest = g.number
                  WHERE g.change IS NOT NULL
                  ON CONFLICT (worker, namespace, place) DO UPDATE SET
                    edition = excluded.edition, number = excluded.number, change = excluded.change)
                SELECT p.edition, p.newest, p.asked, p.has_summary, EXISTS (
                  SELECT 1 FROM $hapax_lease_reader e JOIN given g ON e.namespace = g.namespace WHERE e.until > clock_timestamp())
                FROM posted p
                """);
    }

    String read() {
        return sql("""
                INSERT INTO $hapax_lease_reader AS r (namespace, until)
                VALUES (?, clock_timestamp() + ? * interval '1 ms')
                ON CONFLICT (namespace) DO UPDATE SET until = greatest(r.until, excluded.until)
                """);
    }

    String reports() {
        return sql("SELECT worker, summary, edition, newest, clock_ms FROM $hapax_lease_report"
                + " WHERE namespace = ? AND until > clock_timestamp() ORDER BY worker");
    }

    /** Of some workers, each with the edition and the number of the first one. */
    String changes() {
        return sql("""
                SELECT c.worker, c.number, c.change
                FROM unnest(?::text[], ?::text[], ?::bigint[]) AS w (worker, edition, first)
                JOIN $hapax_lease_report_change c
                  ON c.worker = w.worker AND c.namespace = ? AND c.edition = w.edition AND c.number >= w.first
                ORDER BY c.worker, c.number
                """);
    }

    /** Of workers, each with the edition that is lacking, in one order for all readers, who would wait for each other. */
    String askForAll() {
        return sql("""
                UPDATE $hapax_lease_report AS r SET asked = true
                FROM (
                  SELECT l.namespace, l.worker
                  FROM $hapax_lease_report l JOIN unnest(?::text[], ?::text[]) AS w (worker, edition)
                    ON l.worker = w.worker AND l.edition = w.edition
                  WHERE l.namespace = ? ORDER BY l.worker FOR UPDATE OF l) AS lacking
                WHERE r.namespace = lacking.namespace AND r.worker = lacking.worker
                """);
    }

    /** Notes settings where nobody has yet. */
    String agree() {
        return sql(
                "INSERT INTO $hapax_lease_settings (namespace, party, settings) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    }

    String settings() {
        return sql("SELECT settings FROM $hapax_lease_settings WHERE namespace = ? AND party = ?");
    }

    /** Some of the namespaces that there are. */
    String namespaces() {
        return sql("SELECT DISTINCT namespace FROM $hapax_lease_settings ORDER BY namespace LIMIT 10");
    }

    /** A right, whether it is there, the role, and what is done without it; nothing if no worker can do without. */
    String rights() {
        return sql(String.format(
                Locale.ROOT,
                "SELECT what, granted, quote_ident(current_user), without FROM (VALUES %s) AS rights (what, granted, without)",
                String.join(
                        ", ",
                        right("hapax_lease", "SELECT, INSERT, UPDATE", ""),
                        right("hapax_lease_wait", "SELECT, INSERT, UPDATE, DELETE", ""),
                        right("hapax_lease_done", "SELECT, INSERT, UPDATE", ""),
                        right("hapax_lease_pause", "SELECT", ""),
                        right("hapax_lease_fence", "SELECT", ""),
                        right("hapax_lease_history", "INSERT", ""),
                        right("hapax_lease_settings", "SELECT, INSERT", ""),
                        right("hapax_lease_schema", "SELECT", ""),
                        functions(),
                        right(
                                "hapax_place",
                                "SELECT, INSERT, UPDATE, DELETE",
                                "no queue is limited, and nothing throttled"),
                        right("hapax_lease", "DELETE", NO_CLEAN_UP),
                        right("hapax_lease_done", "DELETE", NO_CLEAN_UP + ", and nobody lets an occurrence run again"),
                        right(
                                "hapax_lease_history",
                                "SELECT, DELETE",
                                NO_CLEAN_UP + ", and nobody sees how runs have ended"),
                        right("hapax_lease_fence", "INSERT, UPDATE", NO_CLEAN_UP),
                        right("hapax_lease_pause", "INSERT, UPDATE, DELETE", "nobody can pause a key"),
                        right(
                                "hapax_lease_audit",
                                "SELECT, INSERT",
                                "nobody can take a lease away or pause a key, or see who did"),
                        right(
                                "hapax_lease_report",
                                "SELECT, INSERT, UPDATE, DELETE",
                                "the console does not see what workers are at"),
                        right(
                                "hapax_lease_report_change",
                                "SELECT, INSERT, UPDATE, DELETE",
                                "the console does not see what workers are at"),
                        right(
                                "hapax_lease_reader",
                                "SELECT, INSERT, UPDATE",
                                "the console does not see what workers are at"))));
    }

    private static String right(String table, String rights, String without) {
        String granted = Stream.of(rights.split(", "))
                .map(right -> "has_table_privilege('$" + table + "', '" + right + "')")
                .collect(Collectors.joining(" AND "));
        return "('" + rights + " ON $" + table + "', " + granted + ", '" + without + "')";
    }

    /** Everybody has it unless it was taken away. */
    private static String functions() {
        return """
                ((SELECT 'EXECUTE ON ALL FUNCTIONS IN SCHEMA ' || relnamespace::regnamespace FROM pg_class
                   WHERE oid = to_regclass('$hapax_lease')),
                 (SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p JOIN pg_class c
                   ON c.oid = to_regclass('$hapax_lease') AND p.pronamespace = c.relnamespace
                   WHERE p.proname ~ '^hapax_(lease|place)_'), '')""";
    }

    /** How many receive WAL, whether commits wait for any of them, and which role asks. */
    static String replication() {
        return "SELECT (SELECT count(*) FROM pg_stat_replication), current_setting('synchronous_standby_names'),"
                + " current_setting('synchronous_commit'), quote_ident(current_user)";
    }

    /** Which table of which server a connection sees. */
    String place() {
        return sql("SELECT concat_ws(' ', pg_postmaster_start_time(), current_database(),"
                + " to_regclass('$hapax_lease')::oid)");
    }

    /** How a server is, for display. */
    String health() {
        return "SELECT current_setting('server_version'), pg_is_in_recovery(), current_database()";
    }

    /**
     * Forgets leases that were given back, or have lapsed, an hour after their grant at the earliest; but not their highest
     * token.
     */
    String forgetLeases() {
        return sql("""
                WITH gone AS (
                  DELETE FROM $hapax_lease WHERE ctid = ANY (ARRAY(
                    SELECT l.ctid FROM $hapax_lease l
                    WHERE l.namespace = ? AND l.since < statement_timestamp() - interval '1 hour'
                      AND (NOT l.held OR l.expires_at < statement_timestamp() - interval '1 hour')
                    LIMIT ? FOR UPDATE SKIP LOCKED))
                  RETURNING namespace, fencing_token),
                kept AS (
                  INSERT INTO $hapax_lease_fence AS f (namespace, fencing_token)
                  SELECT namespace, max(fencing_token) FROM gone GROUP BY namespace
                  ON CONFLICT (namespace) DO UPDATE SET
                    fencing_token = greatest(f.fencing_token, excluded.fencing_token))
                SELECT count(*) FROM gone
                """);
    }

    String forgetDone() {
        return forget("hapax_lease_done", "x.forget_at < statement_timestamp()");
    }

    String forgetPlaces() {
        return forget("hapax_place", "x.until < statement_timestamp()");
    }

    String forgetWaits() {
        return forget("hapax_lease_wait", "x.until < statement_timestamp()");
    }

    String forgetPauses() {
        return forget("hapax_lease_pause", "x.until < statement_timestamp()");
    }

    String forgetReports() {
        return forget("hapax_lease_report", "x.until < statement_timestamp()");
    }

    /** Of workers that are gone, or that nobody reads. */
    String forgetChanges() {
        return forget(
                "hapax_lease_report_change",
                "NOT EXISTS (SELECT 1 FROM $hapax_lease_report r WHERE r.worker = x.worker AND r.namespace = x.namespace"
                        + " AND r.edition = x.edition)");
    }

    private String forget(String table, String which) {
        return sql(String.format(Locale.ROOT, """
                WITH gone AS (
                  DELETE FROM $%1$s WHERE ctid = ANY (ARRAY(
                    SELECT x.ctid FROM $%1$s x WHERE x.namespace = ? AND %2$s LIMIT ? FOR UPDATE SKIP LOCKED))
                  RETURNING 1)
                SELECT count(*) FROM gone
                """, table, which));
    }

    /** What is older than the runs that are kept of each job, and what is old anyway. */
    String forgetHistory() {
        return sql("""
                WITH gone AS (
                  DELETE FROM $hapax_lease_history WHERE ctid = ANY (ARRAY(
                    SELECT x.place FROM (
                      SELECT h.ctid AS place, h.ended_at, row_number() OVER (PARTITION BY h.job ORDER BY h.ended_at DESC) AS n
                      FROM $hapax_lease_history h WHERE h.namespace = ?) x
                    WHERE x.n > 100 OR x.ended_at < statement_timestamp() - interval '90 days' LIMIT ?))
                  RETURNING 1)
                SELECT count(*) FROM gone
                """);
    }
}

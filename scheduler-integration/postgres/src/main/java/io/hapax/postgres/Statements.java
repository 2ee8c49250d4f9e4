package io.hapax.postgres;

import io.hapax.ledger.RunState;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** All SQL of the ledger, in one place. {@code $} stands for the schema's prefix. */
record Statements(String prefix) {

    /** Rows of the requests of one batch, numbered from 1. */
    private static final String ASKED = """
            unnest(?::text[], ?::bool[], ?::text[], ?::bigint[], ?::bigint[]) WITH ORDINALITY
              AS a (occurrence, repeats, lock_key, slot, slot_limit, n)""";

    private static final String COLUMNS = """
            r.occurrence, r.repeats, r.lock_key, r.slot, r.slot_limit, r.state, r.owner, r.fencing_token, r.attempt, r.worker,
            r.after_crash, r.started_at, r.began_at, h.renewed_at, greatest(r.deadline, h.deadline) AS deadline, r.finished_at,
            greatest(r.deadline, h.deadline) >= clock_timestamp() AS alive,
            greatest(0, extract(epoch FROM greatest(r.deadline, h.deadline) - clock_timestamp()) * 1000)::bigint AS left_ms""";

    private static final String RENEWAL =
            "LEFT JOIN $hapax_renewal h ON h.namespace = r.namespace AND h.owner = r.owner";

    /**
     * After its deadline a run has as long again as from its renewal to the deadline: a worker that is only slow is not taken
     * for a dead one because somebody cleans up.
     */
    private static final String BROKEN_OFF = """
            r.deadline + (r.deadline - r.started_at) < clock_timestamp() AND NOT EXISTS (
              SELECT 1 FROM $hapax_renewal h WHERE h.namespace = r.namespace AND h.owner = r.owner
                AND h.deadline + (h.deadline - h.renewed_at) >= clock_timestamp())""";

    private static final String FORGETTABLE = "r.state <> 'ABANDONED' AND (r.state <> 'RUNNING' OR"
            + " ((r.after_crash = 'RERUN' OR r.began_at IS NULL) AND " + BROKEN_OFF + "))";

    private String sql(String text) {
        return text.replace("$", prefix);
    }

    /**
     * Claims what nobody has claimed yet, or has ended without being done. What runs elsewhere is not touched: a row that
     * a user's transaction has locked must not hold up the others.
     *
     * <p>Two statements that go together, in one transaction. Claims of one lock key (or occurrence) queue up in the first;
     * the second sees what those before have done, so tokens are in order. That of a run with a lease is the lease's: were
     * it ahead, by a faster clock of this server, storage would refuse the next run that has a lease only.
     */
    String claim() {
        return sql("""
                SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(E'\\x01', 'hapax', ?::text, g.gate), 0))
                FROM (SELECT DISTINCT gate FROM unnest(?::text[]) AS u (gate) ORDER BY gate OFFSET 0) g;
                INSERT INTO $hapax_run AS r (namespace, occurrence, repeats, lock_key, slot, slot_limit, state, owner,
                  fencing_token, attempt, worker, after_crash, retention_ms, started_at, deadline, forget_at)
                SELECT ?, a.occurrence, a.repeats, a.lock_key, a.slot, a.slot_limit, 'RUNNING', a.owner,
                  greatest(coalesce(a.seen, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint),
                    (SELECT x.fencing_token + 1 FROM $hapax_run x WHERE x.namespace = ? AND x.lock_key = a.lock_key
                      ORDER BY x.fencing_token DESC LIMIT 1),
                    (SELECT f.fencing_token + 1 FROM $hapax_fence f WHERE f.namespace = ?)), 1,
                  a.worker, a.after_crash, a.retention_ms, clock_timestamp(),
                  clock_timestamp() + a.ttl_ms * interval '1 ms',
                  clock_timestamp() + (a.ttl_ms + a.retention_ms) * interval '1 ms'
                FROM unnest(?::text[], ?::bool[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::bigint[],
                  ?::bigint[], ?::bigint[], ?::bigint[])
                  AS a (occurrence, repeats, lock_key, owner, worker, after_crash, ttl_ms, retention_ms, seen, slot, slot_limit)
                WHERE NOT EXISTS (SELECT 1 FROM $hapax_run x WHERE x.namespace = ? AND x.occurrence = a.occurrence
                    AND x.repeats = a.repeats AND NOT (x.state IN ('FAILED', 'RELEASED', 'LOST')
                      OR (x.state = 'DONE' AND x.repeats)) OFFSET 0)
                  AND NOT EXISTS (SELECT 1 FROM $hapax_run x WHERE x.namespace = ? AND x.lock_key = a.lock_key
                    AND x.state = 'RUNNING'
                    AND NOT (x.slot <> a.slot AND x.slot <= a.slot_limit AND a.slot <= x.slot_limit) OFFSET 0)
                ON CONFLICT (occurrence, namespace, repeats) DO UPDATE SET state = 'RUNNING', owner = excluded.owner,
                  lock_key = excluded.lock_key, slot = excluded.slot, slot_limit = excluded.slot_limit,
                  fencing_token = greatest(excluded.fencing_token, r.fencing_token + 1),
                  attempt = CASE WHEN r.state = 'DONE' THEN 1 ELSE r.attempt + 1 END, worker = excluded.worker,
                  after_crash = excluded.after_crash, retention_ms = excluded.retention_ms,
                  started_at = excluded.started_at, began_at = NULL, deadline = excluded.deadline,
                  forget_at = excluded.forget_at, finished_at = NULL
                WHERE r.owner <> excluded.owner
                  AND (r.state IN ('FAILED', 'RELEASED', 'LOST') OR (r.state = 'DONE' AND r.repeats))
                RETURNING r.owner, r.fencing_token, r.attempt, r.started_at
                """);
    }

    /**
     * What is in the way of the requests of a batch: their own rows, and running rows of their lock keys, but for slots that go
     * with theirs.
     */
    String lookUp() {
        return sql(String.format(Locale.ROOT, """
                SELECT a.n, %s FROM %s
                JOIN LATERAL (
                  SELECT * FROM $hapax_run r WHERE r.namespace = ? AND r.occurrence = a.occurrence AND r.repeats = a.repeats
                  UNION ALL
                  SELECT * FROM $hapax_run r WHERE r.namespace = ? AND r.lock_key = a.lock_key AND r.state = 'RUNNING'
                    AND (r.occurrence, r.repeats) <> (a.occurrence, a.repeats)
                    AND NOT (r.slot <> a.slot AND r.slot <= a.slot_limit AND a.slot <= r.slot_limit)) r ON true
                %s
                """, COLUMNS, ASKED, RENEWAL));
    }

    String gate() {
        return "SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(E'\\x01', 'hapax', ?::text, ?::text), 0))";
    }

    /** Locks the same rows for a takeover; from here on no renewal and no completion of theirs can be carried out. */
    String lock() {
        return sql("""
                SELECT 1 FROM $hapax_run r WHERE r.namespace = ? AND ((r.occurrence = ? AND r.repeats = ?)
                  OR (r.lock_key = ? AND r.state = 'RUNNING'
                    AND NOT (r.slot <> ? AND r.slot <= ? AND ? <= r.slot_limit))) FOR UPDATE NOWAIT
                """);
    }

    /** Takes a run that crashed out of the way. */
    String breakOff() {
        return sql("""
                UPDATE $hapax_run SET state = CASE WHEN after_crash = 'ABANDON' AND began_at IS NOT NULL
                    THEN 'ABANDONED' ELSE 'LOST' END,
                  finished_at = clock_timestamp(), forget_at = clock_timestamp() + retention_ms * interval '1 ms'
                WHERE namespace = ? AND occurrence = ? AND repeats = ? AND state = 'RUNNING'
                """);
    }

    /** Notes runs as started; only their own, and only before their deadlines, so that nothing late counts. */
    String begin() {
        return sql("""
                UPDATE $hapax_run r SET began_at = coalesce(r.began_at, clock_timestamp())
                WHERE r.ctid = ANY (ARRAY(
                  SELECT r.place FROM unnest(?::text[], ?::bool[], ?::text[], ?::bigint[])
                    AS a (occurrence, repeats, owner, token)
                  CROSS JOIN LATERAL (
                    SELECT x.ctid AS place FROM $hapax_run x
                    WHERE x.namespace = ? AND x.occurrence = a.occurrence AND x.repeats = a.repeats
                      AND x.owner = a.owner AND x.fencing_token = a.token AND x.state = 'RUNNING'
                      AND (x.began_at IS NOT NULL OR x.deadline >= clock_timestamp() OR EXISTS (
                        SELECT 1 FROM $hapax_renewal h WHERE h.namespace = x.namespace AND h.owner = x.owner
                          AND h.deadline >= clock_timestamp()))
                    OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) r))
                RETURNING r.owner
                """);
    }

    /** Ends runs; only their own. */
    String end() {
        return sql("""
                WITH mine AS MATERIALIZED (
                  SELECT a.n, r.*, a.state FROM
                  unnest(?::text[], ?::bool[], ?::text[], ?::bigint[], ?::text[]) WITH ORDINALITY
                    AS a (occurrence, repeats, owner, token, state, n)
                  CROSS JOIN LATERAL (
                    SELECT x.namespace, x.occurrence, x.repeats FROM $hapax_run x
                    WHERE x.namespace = ? AND x.occurrence = a.occurrence AND x.repeats = a.repeats
                      AND x.owner = a.owner AND (a.token IS NULL OR x.fencing_token = a.token)
                      AND (x.state = 'RUNNING' OR (x.state = 'ABANDONED' AND a.state = 'RELEASED'))
                    OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) r)
                UPDATE $hapax_run r SET state = m.state, finished_at = clock_timestamp(),
                  forget_at = clock_timestamp() + r.retention_ms * interval '1 ms'
                FROM mine m
                WHERE r.namespace = m.namespace AND r.occurrence = m.occurrence AND r.repeats = m.repeats
                RETURNING m.n
                """);
    }

    /** Completes one run in the job's own transaction; never again, since a repeated transaction repeats its writes. */
    String complete() {
        return sql("""
                UPDATE $hapax_run SET state = 'DONE', finished_at = clock_timestamp(),
                  forget_at = clock_timestamp() + retention_ms * interval '1 ms'
                WHERE namespace = ? AND occurrence = ? AND repeats = ? AND owner = ? AND fencing_token = ?
                  AND state = 'RUNNING'
                """);
    }

    /** Pushes deadlines forward. The lock keeps takeovers out for that moment, but not the job's own completion. */
    String renew() {
        return sql("""
                WITH mine AS MATERIALIZED (
                  SELECT r.owner, a.ttl_ms FROM
                  unnest(?::text[], ?::bool[], ?::text[], ?::bigint[], ?::bigint[])
                    AS a (occurrence, repeats, owner, token, ttl_ms)
                  CROSS JOIN LATERAL (
                    SELECT x.owner FROM $hapax_run x
                    WHERE x.namespace = ? AND x.occurrence = a.occurrence AND x.repeats = a.repeats
                      AND x.owner = a.owner AND x.fencing_token = a.token AND x.state = 'RUNNING'
                    OFFSET 0 FOR KEY SHARE SKIP LOCKED) r)
                INSERT INTO $hapax_renewal AS h (namespace, owner, renewed_at, deadline)
                SELECT ?, m.owner, clock_timestamp(), clock_timestamp() + m.ttl_ms * interval '1 ms' FROM mine m
                ORDER BY m.owner
                ON CONFLICT (owner, namespace) DO UPDATE SET renewed_at = excluded.renewed_at,
                  deadline = excluded.deadline
                RETURNING h.owner
                """);
    }

    /** The decision and its entry in the audit, or neither. */
    String resolve() {
        return sql("""
                WITH resolved AS (
                  UPDATE $hapax_run SET state = ?, finished_at = clock_timestamp(),
                    forget_at = clock_timestamp() + retention_ms * interval '1 ms'
                  WHERE namespace = ? AND occurrence = ? AND repeats = ? AND state = 'ABANDONED'
                    AND (? OR fencing_token = ?)
                  RETURNING namespace, occurrence, lock_key, state, worker, owner)
                INSERT INTO $hapax_audit (namespace, action, occurrence, lock_key, actor, reason, worker, owner)
                SELECT namespace, 'RESOLVE_' || state, occurrence, lock_key, ?, ?, worker, owner FROM resolved
                """);
    }

    /** Likewise. */
    String runAgain() {
        return sql("""
                WITH released AS (
                  UPDATE $hapax_run SET state = 'RELEASED', finished_at = clock_timestamp(),
                    forget_at = clock_timestamp() + retention_ms * interval '1 ms'
                  WHERE namespace = ? AND occurrence = ? AND repeats = ? AND NOT repeats
                    AND state IN ('DONE', 'FAILED_FOR_GOOD') AND (? OR fencing_token = ?)
                  RETURNING namespace, occurrence, lock_key, worker, owner)
                INSERT INTO $hapax_audit (namespace, action, occurrence, lock_key, actor, reason, worker, owner)
                SELECT namespace, 'RUN_AGAIN', occurrence, lock_key, ?, ?, worker, owner FROM released
                """);
    }

    String audit() {
        return sql("""
                SELECT at, action, occurrence, lock_key, actor, reason, worker, owner FROM $hapax_audit
                WHERE namespace = ? ORDER BY at DESC LIMIT ?
                """);
    }

    /** The states stand in the text, so that the planner sees which index fits. */
    String entries(Set<RunState> states) {
        String listed = states.stream().map(state -> "'" + state + "'").sorted().collect(Collectors.joining(", "));
        String those = states.size() == 1 ? "r.state = " + listed : "r.state IN (" + listed + ")";
        return sql(String.format(Locale.ROOT, """
                SELECT %s FROM $hapax_run r %s
                WHERE r.namespace = ? AND %s AND (strpos(r.occurrence, ?) > 0 OR strpos(r.lock_key, ?) > 0)
                  AND r.started_at <= clock_timestamp() - ? * interval '1 ms'
                ORDER BY r.started_at DESC LIMIT ?
                """, COLUMNS, RENEWAL, those));
    }

    /**
     * Whether the role has each of the rights that the package documentation lists, and what is done without; nothing is if
     * that is empty.
     */
    String rights() {
        return sql("""
                SELECT what, granted, quote_ident(current_user), without FROM (VALUES
                  ('SELECT, INSERT, UPDATE ON $hapax_run', has_table_privilege('$hapax_run', 'SELECT')
                    AND has_table_privilege('$hapax_run', 'INSERT') AND has_table_privilege('$hapax_run', 'UPDATE'), ''),
                  ('SELECT, INSERT, UPDATE ON $hapax_renewal', has_table_privilege('$hapax_renewal', 'SELECT')
                    AND has_table_privilege('$hapax_renewal', 'INSERT')
                    AND has_table_privilege('$hapax_renewal', 'UPDATE'), ''),
                  ('DELETE ON $hapax_run', has_table_privilege('$hapax_run', 'DELETE'),
                    'the clean-up forgets no occurrence: set cleanUpEvery(Duration.ZERO) and delete by other means'),
                  ('DELETE ON $hapax_renewal', has_table_privilege('$hapax_renewal', 'DELETE'),
                    'the clean-up forgets no renewal: set cleanUpEvery(Duration.ZERO) and delete by other means'),
                  ('SELECT, INSERT ON $hapax_audit', has_table_privilege('$hapax_audit', 'SELECT')
                    AND has_table_privilege('$hapax_audit', 'INSERT'),
                    'nobody can decide about abandoned occurrences, or see who did: hapax runs resolve, the console'),
                  ('SELECT, INSERT ON $hapax_settings', has_table_privilege('$hapax_settings', 'SELECT')
                    AND has_table_privilege('$hapax_settings', 'INSERT'), ''),
                  ('SELECT ON $hapax_schema', has_table_privilege('$hapax_schema', 'SELECT'), ''),
                  ('SELECT, INSERT, UPDATE ON $hapax_fence', has_table_privilege('$hapax_fence', 'SELECT')
                    AND has_table_privilege('$hapax_fence', 'INSERT')
                    AND has_table_privilege('$hapax_fence', 'UPDATE'), '')
                ) AS rights (what, granted, without)
                """);
    }

    /** Which table of which server a connection sees. */
    String place() {
        return sql("SELECT concat_ws(' ', pg_postmaster_start_time(), current_database(),"
                + " to_regclass('$hapax_run')::oid)");
    }

    /** What a crash, or a slow clock, would cost. */
    static String durability() {
        return "SELECT current_setting('fsync'), current_setting('full_page_writes'), clock_timestamp()";
    }

    String agree() {
        return sql("INSERT INTO $hapax_settings (namespace, fingerprint) VALUES (?, ?) ON CONFLICT DO NOTHING");
    }

    String fingerprint() {
        return sql("SELECT fingerprint FROM $hapax_settings WHERE namespace = ?");
    }

    /** Some of those that there are. */
    String namespaces() {
        return sql("SELECT namespace FROM $hapax_settings ORDER BY namespace LIMIT 10");
    }

    /** Earlier tables of the same version lack some. */
    String hasAudit() {
        return sql("SELECT to_regclass('$hapax_audit') IS NOT NULL");
    }

    /** Likewise. */
    String hasBeginnings() {
        return sql("SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('$hapax_run')"
                + " AND attname = 'began_at')");
    }

    /** Likewise. */
    String hasFailures() {
        return sql("SELECT NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass('$hapax_run')"
                + " AND pg_get_constraintdef(oid) LIKE '%RELEASED%'"
                + " AND pg_get_constraintdef(oid) NOT LIKE '%FAILED_FOR_GOOD%')");
    }

    /**
     * Locks what nobody needs any more; abandoned rows wait for a person. Whether they are alive is decided by the statement
     * after this one, which sees all renewals: from here on none can be carried out.
     */
    String forgettable() {
        return sql(String.format(Locale.ROOT, """
                SELECT r.ctid FROM $hapax_run r
                WHERE r.namespace = ? AND r.forget_at < statement_timestamp() AND %s
                ORDER BY r.forget_at LIMIT ? FOR UPDATE SKIP LOCKED
                """, FORGETTABLE));
    }

    /** Forgets what is locked, but for the highest token. */
    String forget() {
        return sql(String.format(Locale.ROOT, """
                WITH gone AS (
                  DELETE FROM $hapax_run r WHERE r.ctid = ANY (?::text[]::tid[]) AND %s
                  RETURNING r.namespace, r.fencing_token),
                kept AS (
                  INSERT INTO $hapax_fence AS f (namespace, fencing_token)
                  SELECT namespace, max(fencing_token) FROM gone GROUP BY namespace
                  ON CONFLICT (namespace) DO UPDATE SET
                    fencing_token = greatest(f.fencing_token, excluded.fencing_token))
                SELECT count(*) FROM gone
                """, FORGETTABLE));
    }

    /** Locks runs that crashed and must not be repeated, also if nobody asks for them again; as {@link #forgettable}. */
    String abandonable() {
        return sql(String.format(Locale.ROOT, """
                SELECT r.ctid FROM $hapax_run r
                WHERE r.namespace = ? AND r.state = 'RUNNING' AND r.after_crash = 'ABANDON' AND r.began_at IS NOT NULL
                  AND r.deadline < statement_timestamp() AND %s
                ORDER BY r.deadline LIMIT ? FOR UPDATE SKIP LOCKED
                """, BROKEN_OFF));
    }

    /** Abandons what is locked. */
    String abandon() {
        return sql(String.format(Locale.ROOT, """
                UPDATE $hapax_run r SET state = 'ABANDONED', finished_at = clock_timestamp()
                WHERE r.ctid = ANY (?::text[]::tid[]) AND %s
                RETURNING r.occurrence, r.worker, r.started_at
                """, BROKEN_OFF));
    }

    String forgetRenewals() {
        return sql("""
                DELETE FROM $hapax_renewal WHERE (owner, namespace) IN (
                  SELECT owner, namespace FROM $hapax_renewal
                  WHERE namespace = ? AND deadline < statement_timestamp() - interval '1 hour'
                  LIMIT ? FOR UPDATE SKIP LOCKED)
                """);
    }

    /** Likewise. */
    String hasSlots() {
        return sql("SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('$hapax_run')"
                + " AND attname = 'slot_limit')");
    }

    /** {@code synchronous_commit}, whether this is a standby, the default isolation level, the version, the role. */
    static String server() {
        return "SELECT current_setting('synchronous_commit'), pg_is_in_recovery(),"
                + " current_setting('default_transaction_isolation'), current_setting('server_version_num')::int,"
                + " quote_ident(current_user)";
    }
}

-- The leases of Hapax, version 1: for those who have no Redis, see PostgresLeaseStore. It needs nothing of hapax-ledger-1.sql, and
-- that needs nothing of it. Apply it with Flyway, Liquibase or psql, in the schema of your choice, or let
-- PostgresLeaseStore.builder(...).migrate(true) do so. PostgreSQL 12 or newer.

CREATE TABLE hapax_lease (
  namespace     text COLLATE "C" NOT NULL CHECK (length(namespace) BETWEEN 1 AND 64),
  -- Whether the key is a run key; else it is a lock key.
  on_run        boolean NOT NULL,
  key           text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 512),
  -- 0 is the key itself.
  slot          int NOT NULL CHECK (slot >= 0),
  -- What its holder states.
  slot_limit    int NOT NULL CHECK (slot_limit >= slot),
  -- False once it is given back; what has lapsed still says true. The row is kept for a while, so that tokens grow.
  held          boolean NOT NULL,
  owner         text COLLATE "C" NOT NULL,
  fencing_token bigint NOT NULL CHECK (fencing_token > 0),
  worker        text NOT NULL,
  run_key       text COLLATE "C",
  since         timestamptz NOT NULL,
  ttl_ms        bigint NOT NULL,
  expires_at    timestamptz NOT NULL,
  -- The most telling column comes first: a statement that was planned on an empty table must not read a whole namespace.
  PRIMARY KEY (key, namespace, on_run, slot)
) WITH (fillfactor = 50);

COMMENT ON TABLE hapax_lease IS 'who holds a key, or one of its slots, and until when';

-- For the clean-up. Not on expires_at: renewals change no column that is indexed.
CREATE INDEX hapax_lease_since ON hapax_lease (since);

-- What is left of leases that were forgotten: their highest fencing token.
CREATE TABLE hapax_lease_fence (
  namespace     text COLLATE "C" PRIMARY KEY,
  fencing_token bigint NOT NULL CHECK (fencing_token > 0)
);

COMMENT ON TABLE hapax_lease_fence IS 'the highest fencing token of leases that were forgotten';

CREATE TABLE hapax_lease_wait (
  namespace  text COLLATE "C" NOT NULL,
  on_run     boolean NOT NULL,
  key        text COLLATE "C" NOT NULL,
  slot_limit int NOT NULL,
  until      timestamptz NOT NULL,
  PRIMARY KEY (key, namespace, on_run)
) WITH (fillfactor = 50);

COMMENT ON TABLE hapax_lease_wait IS 'the smallest limit under which somebody waits for a key';

CREATE TABLE hapax_lease_done (
  namespace     text COLLATE "C" NOT NULL,
  run_key       text COLLATE "C" NOT NULL CHECK (octet_length(run_key) BETWEEN 1 AND 512),
  outcome       text NOT NULL CHECK (outcome IN ('DONE', 'FAILED')),
  owner         text COLLATE "C" NOT NULL,
  fencing_token bigint NOT NULL,
  worker        text NOT NULL,
  ended_at      timestamptz NOT NULL,
  forget_at     timestamptz NOT NULL,
  PRIMARY KEY (run_key, namespace)
);

COMMENT ON TABLE hapax_lease_done IS 'occurrences that are over';

CREATE INDEX hapax_lease_done_forget ON hapax_lease_done (forget_at);

CREATE TABLE hapax_lease_pause (
  namespace text COLLATE "C" NOT NULL,
  on_run    boolean NOT NULL,
  key       text COLLATE "C" NOT NULL,
  actor     text NOT NULL,
  reason    text NOT NULL,
  since     timestamptz NOT NULL,
  until     timestamptz NOT NULL,
  PRIMARY KEY (key, namespace, on_run)
);

COMMENT ON TABLE hapax_lease_pause IS 'keys that are granted to nobody';

CREATE TABLE hapax_lease_history (
  namespace     text COLLATE "C" NOT NULL,
  job           text COLLATE "C" NOT NULL,
  ended_at      timestamptz NOT NULL,
  owner         text COLLATE "C" NOT NULL,
  fencing_token bigint NOT NULL,
  worker        text NOT NULL,
  run_key       text,
  since         timestamptz NOT NULL,
  outcome       text
);

COMMENT ON TABLE hapax_lease_history IS 'how the last runs of jobs ended';

CREATE INDEX hapax_lease_history_job ON hapax_lease_history (job, namespace, ended_at);

CREATE TABLE hapax_lease_audit (
  namespace text COLLATE "C" NOT NULL,
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  action    text NOT NULL,
  subject   text NOT NULL,
  actor     text NOT NULL,
  reason    text NOT NULL,
  holder    text NOT NULL
);

COMMENT ON TABLE hapax_lease_audit IS 'who has taken leases away, paused keys or let occurrences run again; the application only adds to it';

CREATE INDEX hapax_lease_audit_at ON hapax_lease_audit (namespace, at);

CREATE TABLE hapax_place (
  namespace text COLLATE "C" NOT NULL,
  name      text COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 1024),
  holder    text COLLATE "C" NOT NULL CHECK (octet_length(holder) BETWEEN 1 AND 1024),
  length_ms bigint NOT NULL,
  until     timestamptz NOT NULL,
  PRIMARY KEY (name, namespace, holder)
);

COMMENT ON TABLE hapax_place IS 'places that are kept for a time, whether their holders are alive or not';

CREATE INDEX hapax_place_until ON hapax_place (until);

CREATE TABLE hapax_lease_report (
  namespace text COLLATE "C" NOT NULL,
  worker    text COLLATE "C" NOT NULL,
  summary   text,
  until     timestamptz NOT NULL,
  edition   text COLLATE "C" NOT NULL,
  newest    bigint NOT NULL,
  asked     boolean NOT NULL DEFAULT false,
  clock_ms  bigint NOT NULL,
  PRIMARY KEY (worker, namespace)
) WITH (fillfactor = 50);

COMMENT ON TABLE hapax_lease_report IS 'what workers say of themselves to operators, and which is the newest change of their reports';

CREATE TABLE hapax_lease_report_change (
  namespace text COLLATE "C" NOT NULL,
  worker    text COLLATE "C" NOT NULL,
  place     smallint NOT NULL CHECK (place BETWEEN 0 AND 29),
  edition   text COLLATE "C" NOT NULL,
  number    bigint NOT NULL,
  change    text NOT NULL,
  PRIMARY KEY (worker, namespace, place)
) WITH (fillfactor = 50);

COMMENT ON TABLE hapax_lease_report_change IS 'the newest changes of the reports of workers, while somebody reads them';

CREATE TABLE hapax_lease_reader (
  namespace text COLLATE "C" PRIMARY KEY,
  until     timestamptz NOT NULL
);

COMMENT ON TABLE hapax_lease_reader IS 'until when somebody reads the reports';

CREATE TABLE hapax_lease_settings (
  namespace text COLLATE "C" NOT NULL,
  party     text COLLATE "C" NOT NULL CHECK (party IN ('STORE', 'GUARD')),
  settings  text NOT NULL,
  PRIMARY KEY (namespace, party)
);

COMMENT ON TABLE hapax_lease_settings IS 'settings on which all workers of a namespace, and their guards, agree';

CREATE TYPE hapax_lease_answer AS (
  n             bigint,
  answer        text,
  owner         text,
  fencing_token bigint,
  at            timestamptz,
  -- Of a pause, who and why.
  worker        text,
  run_key       text,
  left_ms       bigint,
  slot          int,
  slot_limit    int,
  next_slot     int,
  -- The smallest limit under which somebody waits.
  awaited       int
);

-- Takes a lease unless the occurrence is over, or the key is held or paused. The caller holds the gate of the key, so nobody
-- else grants or gives back anything of it meanwhile; only renewals continue, and they lock their rows.
--
-- Of two slots, each has to be within the limit of the other; the key itself goes with none; and while any is held, none is granted
-- beyond the smallest limit under which somebody waits.
CREATE FUNCTION hapax_lease_acquire(a_namespace text, a_on_run boolean, a_key text, a_slot int, a_limit int, a_owner text,
  a_ttl_ms bigint, a_run_key text, a_worker text, a_waits boolean) RETURNS hapax_lease_answer
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  told     hapax_lease_answer;
  family   hapax_lease[];
  one      hapax_lease;
  own      hapax_lease;
  whole    hapax_lease;
  first    hapax_lease;
  worst    hapax_lease;
  clock    timestamptz;
  ends     timestamptz;
  lapsed   boolean;
  looked   boolean := false;
  awaited  int := 2147483647;
  newest   bigint;
BEGIN
  IF a_run_key IS NOT NULL THEN
    SELECT 'DONE_' || d.outcome, d.owner, d.fencing_token, d.ended_at, d.worker, d.run_key
      INTO told.answer, told.owner, told.fencing_token, told.at, told.worker, told.run_key
      FROM hapax_lease_done d
      WHERE d.run_key = a_run_key AND d.namespace = a_namespace AND d.forget_at > clock_timestamp();
    IF FOUND THEN
      RETURN told;
    END IF;
  END IF;
  LOOP
    clock := clock_timestamp();
    SELECT array_agg(l ORDER BY l.slot) FILTER (WHERE l.held AND l.expires_at > clock), max(l.fencing_token),
        coalesce(bool_or(l.held AND l.expires_at <= clock), false)
      INTO family, newest, lapsed
      FROM hapax_lease l WHERE l.key = a_key AND l.namespace = a_namespace AND l.on_run = a_on_run;
    IF family IS NULL THEN
      family := '{}';
    ELSIF a_slot > 0 THEN
      SELECT w.slot_limit INTO awaited FROM hapax_lease_wait w
        WHERE w.key = a_key AND w.namespace = a_namespace AND w.on_run = a_on_run AND w.until > clock;
      awaited := coalesce(awaited, 2147483647);
    END IF;
    own := NULL;
    whole := NULL;
    first := NULL;
    worst := NULL;
    FOREACH one IN ARRAY family LOOP
      IF one.slot = 0 THEN
        whole := one;
      ELSE
        IF first.slot IS NULL THEN
          first := one;
        END IF;
        IF worst.slot IS NULL AND a_slot > 0
            AND NOT (one.slot <> a_slot AND one.slot <= a_limit AND a_slot <= one.slot_limit) THEN
          worst := one;
        END IF;
      END IF;
      IF one.slot = a_slot THEN
        own := one;
      END IF;
    END LOOP;
    IF own.owner = a_owner THEN
      UPDATE hapax_lease l SET expires_at = clock_timestamp() + a_ttl_ms * interval '1 ms', ttl_ms = a_ttl_ms
        WHERE l.key = a_key AND l.namespace = a_namespace AND l.on_run = a_on_run AND l.slot = a_slot
        RETURNING 'GRANTED', l.owner, l.fencing_token, l.since INTO told.answer, told.owner, told.fencing_token, told.at;
      RETURN told;
    END IF;
    IF own.slot IS NOT NULL THEN
      worst := own;
    ELSIF whole.slot IS NOT NULL THEN
      worst := whole;
    ELSIF worst.slot IS NULL AND (a_slot = 0 OR a_slot > awaited) THEN
      worst := first;
    END IF;
    EXIT WHEN worst.slot IS NOT NULL OR looked OR NOT lapsed;
    -- A renewal may be on its way that was sent in time: when they are locked, it has come, or never will.
    looked := true;
    PERFORM 1 FROM hapax_lease l
      WHERE l.key = a_key AND l.namespace = a_namespace AND l.on_run = a_on_run AND l.held AND l.expires_at <= clock
      ORDER BY l.slot FOR UPDATE;
  END LOOP;

  IF worst.slot IS NOT NULL THEN
    ends := worst.expires_at;
    IF ends > clock + worst.ttl_ms * interval '1 ms' + interval '1 s' THEN
      -- No ttl is as long: the clock was set back. Its holder goes on to renew it, and need not be waited for any longer.
      ends := clock + worst.ttl_ms * interval '1 ms';
      UPDATE hapax_lease l SET expires_at = ends
        WHERE l.key = a_key AND l.namespace = a_namespace AND l.on_run = a_on_run AND l.slot = worst.slot
          AND l.owner = worst.owner AND l.fencing_token = worst.fencing_token AND l.expires_at = worst.expires_at;
    END IF;
    -- Not each time, as a commit that changes something is one that others wait for.
    IF a_waits AND NOT EXISTS (SELECT 1 FROM hapax_lease_wait w
        WHERE w.key = a_key AND w.namespace = a_namespace AND w.on_run = a_on_run AND w.until > clock
          AND (w.slot_limit < a_limit OR w.slot_limit = a_limit AND w.until > ends + interval '3 s')) THEN
      INSERT INTO hapax_lease_wait (namespace, on_run, key, slot_limit, until)
        VALUES (a_namespace, a_on_run, a_key, a_limit, ends + interval '5 s')
        ON CONFLICT (key, namespace, on_run) DO UPDATE SET slot_limit = excluded.slot_limit, until = excluded.until;
    END IF;
    told.answer := 'HELD';
    told.owner := worst.owner;
    told.fencing_token := worst.fencing_token;
    told.at := worst.since;
    told.worker := worst.worker;
    told.run_key := worst.run_key;
    told.left_ms := ceil(greatest(0, extract(epoch FROM ends - clock) * 1000));
    told.slot := worst.slot;
    told.slot_limit := worst.slot_limit;
    told.next_slot := 0;
    told.awaited := awaited;
    IF a_slot > 0 AND whole.slot IS NULL THEN
      SELECT coalesce(min(number), 0) INTO told.next_slot FROM generate_series(1, least(a_limit, awaited)) AS number
        WHERE NOT EXISTS (SELECT 1 FROM unnest(family) AS f
          WHERE NOT (number <> f.slot AND number <= f.slot_limit AND f.slot <= a_limit));
    END IF;
    RETURN told;
  END IF;

  SELECT 'PAUSED', p.since, p.actor, p.reason, ceil(greatest(0, extract(epoch FROM p.until - clock) * 1000))
    INTO told.answer, told.at, told.worker, told.run_key, told.left_ms
    FROM hapax_lease_pause p
    WHERE p.key = a_key AND p.namespace = a_namespace AND p.on_run = a_on_run AND p.until > clock;
  IF FOUND THEN
    RETURN told;
  END IF;
  clock := clock_timestamp();
  INSERT INTO hapax_lease AS l (namespace, on_run, key, slot, slot_limit, held, owner, fencing_token, worker, run_key, since,
      ttl_ms, expires_at)
    VALUES (a_namespace, a_on_run, a_key, a_slot, a_limit, true, a_owner,
      greatest((extract(epoch FROM clock) * 1000000)::bigint, newest + 1,
        (SELECT f.fencing_token + 1 FROM hapax_lease_fence f WHERE f.namespace = a_namespace)),
      a_worker, a_run_key, clock, a_ttl_ms, clock + a_ttl_ms * interval '1 ms')
    ON CONFLICT (key, namespace, on_run, slot) DO UPDATE SET slot_limit = excluded.slot_limit, held = true,
      owner = excluded.owner, fencing_token = greatest(excluded.fencing_token, l.fencing_token + 1), worker = excluded.worker,
      run_key = excluded.run_key, since = excluded.since, ttl_ms = excluded.ttl_ms, expires_at = excluded.expires_at
    RETURNING 'GRANTED', l.owner, l.fencing_token, l.since INTO told.answer, told.owner, told.fencing_token, told.at;
  RETURN told;
END
$$;

-- Tells those who wait for a key, or for one of its slots, that something of it was given back. They ask again soon: until then nobody
-- overtakes them.
CREATE FUNCTION hapax_lease_wake(a_namespace text, a_channel text, a_on_run boolean, a_key text, a_slot int) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
  IF a_slot = 0 THEN
    DELETE FROM hapax_lease_wait w WHERE w.key = a_key AND w.namespace = a_namespace AND w.on_run = a_on_run;
  ELSE
    UPDATE hapax_lease_wait w SET until = least(w.until, clock_timestamp() + interval '5 s')
      WHERE w.key = a_key AND w.namespace = a_namespace AND w.on_run = a_on_run AND w.until > clock_timestamp();
  END IF;
  IF FOUND THEN
    PERFORM pg_notify(a_channel, CASE WHEN a_on_run THEN 'r' ELSE 'l' END || a_key);
  END IF;
END
$$;

-- Gives a lease back if its owner still holds it with this token, or any if that is null; leaves a marker if the occurrence is over.
-- Tells whether it did, or whether this repeats a release with the same marker.
CREATE FUNCTION hapax_lease_release(a_namespace text, a_channel text, a_on_run boolean, a_key text, a_slot int, a_owner text,
  a_token bigint, a_run_key text, a_worker text, a_outcome text, a_retention_ms bigint, a_job text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  given hapax_lease;
BEGIN
  UPDATE hapax_lease l SET held = false
    WHERE l.key = a_key AND l.namespace = a_namespace AND l.on_run = a_on_run AND l.slot = a_slot AND l.held
      AND l.owner = a_owner AND (a_token IS NULL OR l.fencing_token = a_token) AND l.expires_at > clock_timestamp()
    RETURNING l.* INTO given;
  IF NOT FOUND THEN
    RETURN a_outcome IS NOT NULL AND a_run_key IS NOT NULL AND EXISTS (SELECT 1 FROM hapax_lease_done d
      WHERE d.run_key = a_run_key AND d.namespace = a_namespace AND d.owner = a_owner AND d.fencing_token = a_token
        AND d.outcome = a_outcome AND d.forget_at > clock_timestamp());
  END IF;
  IF a_outcome IS NOT NULL AND a_run_key IS NOT NULL THEN
    INSERT INTO hapax_lease_done (namespace, run_key, outcome, owner, fencing_token, worker, ended_at, forget_at)
      VALUES (a_namespace, a_run_key, a_outcome, a_owner, given.fencing_token, a_worker, clock_timestamp(),
        clock_timestamp() + a_retention_ms * interval '1 ms')
      ON CONFLICT (run_key, namespace) DO UPDATE SET outcome = excluded.outcome, owner = excluded.owner,
        fencing_token = excluded.fencing_token, worker = excluded.worker, ended_at = excluded.ended_at,
        forget_at = excluded.forget_at;
  END IF;
  IF a_job IS NOT NULL THEN
    INSERT INTO hapax_lease_history (namespace, job, ended_at, owner, fencing_token, worker, run_key, since, outcome)
      VALUES (a_namespace, a_job, clock_timestamp(), a_owner, given.fencing_token, a_worker, a_run_key, given.since, a_outcome);
  END IF;
  PERFORM hapax_lease_wake(a_namespace, a_channel, a_on_run, a_key, a_slot);
  RETURN true;
END
$$;

-- Gives leases out and takes them back, in the order in which it was asked to: one transaction for all that a process asks at once.
-- Requests of one key queue up at its gate, so each sees what those before have done. Each answer is durable, whatever
-- synchronous_commit the role has.
CREATE FUNCTION hapax_lease_exchange(a_namespace text, a_channel text, a_asks text[], a_on_runs boolean[], a_keys text[],
  a_slots bigint[], a_limits bigint[], a_owners text[], a_tokens bigint[], a_ttls bigint[], a_run_keys text[], a_workers text[],
  a_outcomes text[], a_retentions bigint[], a_jobs text[]) RETURNS SETOF hapax_lease_answer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  asked record;
  told  hapax_lease_answer;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM pg_advisory_xact_lock(g.gate) FROM (
    SELECT DISTINCT hashtextextended(concat_ws(E'\x01', 'hapax lease', a_namespace, k.on_run, k.key), 0) AS gate
    FROM unnest(a_on_runs, a_keys) AS k (on_run, key) ORDER BY gate OFFSET 0) g;
  FOR asked IN SELECT * FROM unnest(a_asks, a_on_runs, a_keys, a_slots, a_limits, a_owners, a_tokens, a_ttls, a_run_keys, a_workers,
      a_outcomes, a_retentions, a_jobs) WITH ORDINALITY
      AS u (ask, on_run, key, slot, slot_limit, owner, token, ttl, run_key, worker, outcome, retention, job, n) LOOP
    IF asked.ask = 'RELEASE' THEN
      told := NULL;
      told.answer := CASE WHEN hapax_lease_release(a_namespace, a_channel, asked.on_run, asked.key, asked.slot::int, asked.owner,
        asked.token, asked.run_key, asked.worker, asked.outcome, asked.retention, asked.job) THEN 'RELEASED' ELSE 'LOST' END;
    ELSE
      told := hapax_lease_acquire(a_namespace, asked.on_run, asked.key, asked.slot::int, asked.slot_limit::int, asked.owner,
        asked.ttl, asked.run_key, asked.worker, asked.ask = 'WAIT');
    END IF;
    told.n := asked.n;
    RETURN NEXT told;
  END LOOP;
END
$$;

-- Takes a lease away from this owner, and wakes those who wait; null stands for a key that nobody holds. Nothing is taken away without
-- an entry in the audit. Returns what was taken.
CREATE FUNCTION hapax_lease_force(a_namespace text, a_channel text, a_on_run boolean, a_key text, a_slot int, a_owner text,
  a_subject text, a_actor text, a_reason text) RETURNS SETOF hapax_lease
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  taken hapax_lease;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(E'\x01', 'hapax lease', a_namespace, a_on_run, a_key), 0));
  IF a_owner IS NULL THEN
    IF NOT EXISTS (SELECT 1 FROM hapax_lease l WHERE l.key = a_key AND l.namespace = a_namespace AND l.on_run = a_on_run
        AND l.slot = a_slot AND l.held AND l.expires_at > clock_timestamp()) THEN
      INSERT INTO hapax_lease_audit (namespace, action, subject, actor, reason, holder)
        VALUES (a_namespace, 'FORCE_RELEASE', a_subject, a_actor, a_reason, '');
    END IF;
    RETURN;
  END IF;
  UPDATE hapax_lease l SET held = false
    WHERE l.key = a_key AND l.namespace = a_namespace AND l.on_run = a_on_run AND l.slot = a_slot AND l.held
      AND l.owner = a_owner AND l.expires_at > clock_timestamp()
    RETURNING l.* INTO taken;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  INSERT INTO hapax_lease_audit (namespace, action, subject, actor, reason, holder)
    VALUES (a_namespace, 'FORCE_RELEASE', a_subject, a_actor, a_reason, taken.worker || ' (owner ' || taken.owner || ', token '
      || taken.fencing_token || ')');
  PERFORM hapax_lease_wake(a_namespace, a_channel, a_on_run, a_key, a_slot);
  RETURN NEXT taken;
END
$$;

-- Keeps a place for a time unless all are taken. 0 places make none, but prolong that of a holder who has one; -1 gives one up.
-- has tells whether the holder has, or had, a place; first and left_ms, if not, whose time is over first.
CREATE FUNCTION hapax_place_keep(a_namespace text, a_name text, a_holder text, a_places bigint, a_time_ms bigint,
  OUT has boolean, OUT first text, OUT left_ms bigint)
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  clock timestamptz;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(E'\x01', 'hapax place', a_namespace, a_name), 0));
  clock := clock_timestamp();
  DELETE FROM hapax_place p WHERE p.name = a_name AND p.namespace = a_namespace AND p.until <= clock;
  -- The clock was set back: nobody's place is longer than it was made.
  UPDATE hapax_place p SET until = clock + p.length_ms * interval '1 ms'
    WHERE p.name = a_name AND p.namespace = a_namespace AND p.until > clock + p.length_ms * interval '1 ms' + interval '1 s';
  IF a_places < 0 THEN
    DELETE FROM hapax_place p WHERE p.name = a_name AND p.namespace = a_namespace AND p.holder = a_holder;
    has := FOUND;
    RETURN;
  END IF;
  has := EXISTS (SELECT 1 FROM hapax_place p WHERE p.name = a_name AND p.namespace = a_namespace AND p.holder = a_holder);
  IF has THEN
    UPDATE hapax_place p SET until = clock + a_time_ms * interval '1 ms', length_ms = a_time_ms
      WHERE p.name = a_name AND p.namespace = a_namespace AND p.holder = a_holder
        AND p.until < clock + a_time_ms * interval '1 ms';
  ELSIF a_places > (SELECT count(*) FROM hapax_place p WHERE p.name = a_name AND p.namespace = a_namespace) THEN
    INSERT INTO hapax_place (namespace, name, holder, length_ms, until)
      VALUES (a_namespace, a_name, a_holder, a_time_ms, clock + a_time_ms * interval '1 ms');
    has := true;
  ELSE
    SELECT p.holder, ceil(extract(epoch FROM p.until - clock) * 1000) INTO first, left_ms FROM hapax_place p
      WHERE p.name = a_name AND p.namespace = a_namespace ORDER BY p.until LIMIT 1;
  END IF;
END
$$;

CREATE TABLE hapax_lease_schema (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
INSERT INTO hapax_lease_schema (version) VALUES (1);

-- The ledger of Hapax, version 1. Apply it with Flyway, Liquibase or psql, in the schema of your choice, or let
-- PostgresRunLedger.builder(...).migrate(true) do so. PostgreSQL 12 or newer.

CREATE TABLE hapax_run (
  namespace     text COLLATE "C" NOT NULL CHECK (length(namespace) BETWEEN 1 AND 64),
  -- The run key, or, of runs that have none and may repeat, the lock key; of a slot with the character U+0001, which no
  -- key contains, and the number of the slot.
  occurrence    text COLLATE "C" NOT NULL CHECK (octet_length(occurrence) BETWEEN 1 AND 524),
  repeats       boolean NOT NULL,
  lock_key      text COLLATE "C" CHECK (octet_length(lock_key) BETWEEN 1 AND 512),
  -- Which place of the lock key the run has, and how many there are as far as it knows. The whole key is 1 of 1.
  slot          int NOT NULL DEFAULT 1 CHECK (slot > 0),
  slot_limit    int NOT NULL DEFAULT 1 CHECK (slot_limit >= slot),
  state         text NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED', 'FAILED_FOR_GOOD', 'RELEASED', 'LOST',
    'ABANDONED')),
  owner         text COLLATE "C" NOT NULL,
  fencing_token bigint NOT NULL CHECK (fencing_token > 0),
  attempt       int NOT NULL CHECK (attempt > 0),
  worker        text NOT NULL,
  after_crash   text NOT NULL CHECK (after_crash IN ('RERUN', 'ABANDON')),
  retention_ms  bigint NOT NULL,
  started_at    timestamptz NOT NULL,
  -- Noted only where after_crash is ABANDON: a run that has not started is never abandoned.
  began_at      timestamptz,
  deadline      timestamptz NOT NULL,
  finished_at   timestamptz,
  forget_at     timestamptz NOT NULL,
  -- The most telling column comes first: a statement that was planned on an empty table must not read a whole namespace.
  PRIMARY KEY (occurrence, namespace, repeats)
) WITH (fillfactor = 80);

COMMENT ON TABLE hapax_run IS 'one row per occurrence of a job: its last run, and whether it has completed';

-- No two runs hold one lock key, or one of its slots, whatever the lease store says.
CREATE UNIQUE INDEX hapax_run_lock ON hapax_run (lock_key, namespace, slot)
  WHERE state = 'RUNNING' AND lock_key IS NOT NULL;

-- The newest token of a lock key, so that the next one is larger.
CREATE INDEX hapax_run_token ON hapax_run (lock_key, namespace, fencing_token) WHERE lock_key IS NOT NULL;

-- For the clean-up.
CREATE INDEX hapax_run_forget ON hapax_run (forget_at);
CREATE INDEX hapax_run_abandon ON hapax_run (deadline)
  WHERE state = 'RUNNING' AND after_crash = 'ABANDON' AND began_at IS NOT NULL;

-- What waits for a person.
CREATE INDEX hapax_run_abandoned ON hapax_run (namespace, started_at) WHERE state = 'ABANDONED';

-- Deadlines are pushed forward here and not in hapax_run: a change of the run's row by another transaction would make
-- the job's own transaction fail with SQLSTATE 40001 at REPEATABLE READ and SERIALIZABLE.
CREATE TABLE hapax_renewal (
  namespace  text COLLATE "C" NOT NULL,
  owner      text COLLATE "C" NOT NULL,
  renewed_at timestamptz NOT NULL,
  deadline   timestamptz NOT NULL,
  PRIMARY KEY (owner, namespace)
) WITH (fillfactor = 50);

COMMENT ON TABLE hapax_renewal IS 'until when runs that take longer count as alive';

-- What is left of occurrences that were forgotten: their highest fencing token. Later ones are larger, also if the clock
-- is set back.
CREATE TABLE hapax_fence (
  namespace     text COLLATE "C" PRIMARY KEY,
  fencing_token bigint NOT NULL CHECK (fencing_token > 0)
);

COMMENT ON TABLE hapax_fence IS 'the highest fencing token of occurrences that were forgotten';

CREATE TABLE hapax_audit (
  namespace  text COLLATE "C" NOT NULL,
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  action     text NOT NULL,
  occurrence text NOT NULL,
  lock_key   text,
  actor      text NOT NULL,
  reason     text NOT NULL,
  worker     text NOT NULL,
  owner      text NOT NULL
);

COMMENT ON TABLE hapax_audit IS 'who has decided about abandoned occurrences; the application only adds to it';

CREATE INDEX hapax_audit_at ON hapax_audit (namespace, at);

CREATE TABLE hapax_settings (
  namespace   text COLLATE "C" PRIMARY KEY,
  fingerprint text NOT NULL
);

COMMENT ON TABLE hapax_settings IS 'settings on which all workers of a namespace agree';

CREATE TABLE hapax_schema (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
INSERT INTO hapax_schema (version) VALUES (1);

-- Version 1 of the inbox's tables. What is inserted once stands in `delivery`, `payload` and `outcome`. What changes is the
-- narrow `queue`, which holds open deliveries only, so that vacuum's work does not grow with what is kept.
CREATE SEQUENCE delivery_seq;
CREATE SEQUENCE lease_token;

CREATE TABLE delivery (
    seq bigint PRIMARY KEY,
    source text NOT NULL,
    tenant text,
    key_id text,
    id text,
    event_type text,
    received_at timestamptz NOT NULL,
    digest bytea NOT NULL,
    order_key uuid
);
-- For operators who have an id. Ids come in no order, so an index of them all would have each delivery change another page of it,
-- and the log would hold a copy of each such page. Here, those of 16,384 numbers are together, and there is one place to look at
-- for each of these blocks. The hash: an id may be too long for an index.
CREATE INDEX delivery_id ON delivery ((seq >> 14), hashtext(id)) WHERE id IS NOT NULL;

CREATE TABLE payload (
    seq bigint PRIMARY KEY,
    headers bytea NOT NULL,
    body bytea NOT NULL
);

-- lz4 takes a quarter of the time of the default. Not every server was built with it.
DO $$
BEGIN
    EXECUTE 'ALTER TABLE payload ALTER COLUMN body SET COMPRESSION lz4';
EXCEPTION
    WHEN OTHERS THEN NULL;
END $$;

-- A delivery that is done (2), dead (3) or parked (4): see `State::ALL`. `has_body`: it has a row in `payload`.
CREATE TABLE outcome (
    seq bigint PRIMARY KEY,
    state smallint NOT NULL,
    has_body boolean NOT NULL DEFAULT true,
    attempts integer NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    reason text,
    error text
);
CREATE INDEX outcome_dead ON outcome (seq) WHERE state = 3;
CREATE INDEX outcome_parked ON outcome (seq) WHERE state = 4;
-- The ways of a purge, from the oldest to the first that is young. What it has been at is in another index, and not in its way.
-- No BRIN: what comes takes the room of what went, and then young and old are on the same pages.
CREATE INDEX outcome_done_body ON outcome (finished_at) WHERE state = 2 AND has_body;
CREATE INDEX outcome_dead_body ON outcome (finished_at) WHERE state = 3 AND has_body;
CREATE INDEX outcome_bare ON outcome (finished_at) WHERE NOT has_body;

-- How many outcomes there are, since counting millions takes seconds. A statement that adds or removes some says so in a row of
-- its own. If all of them changed the row of their sender, then each would wait for the commit of the one before, and while a
-- long transaction is open it would read all former versions of that row. The rows are added up from time to time.
CREATE TABLE tally (
    source text NOT NULL,
    state smallint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (source, state)
);
CREATE TABLE tally_change (
    source text NOT NULL,
    state smallint NOT NULL,
    count bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);

-- A lease is a due time: whoever claims a leased delivery whose time is over counts a crash. `held` is the due time of one
-- that waits for an older one with its order key. Its `due_at` is infinity then, so that no claim reads past it.
CREATE TABLE queue (
    seq bigint PRIMARY KEY,
    source text NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    held timestamptz,
    order_key uuid,
    token bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    crashes smallint NOT NULL DEFAULT 0,
    has_begun boolean NOT NULL DEFAULT false,
    leased boolean NOT NULL DEFAULT false,
    error text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX queue_due ON queue (source, due_at, seq);
CREATE INDEX queue_order ON queue (order_key, seq) WHERE order_key IS NOT NULL;

-- `key` is the first half of a SHA-256, and `digest` its first quarter: half the memory for the index.
CREATE TABLE seen (
    key uuid PRIMARY KEY,
    seq bigint NOT NULL,
    digest bigint NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    copies integer NOT NULL
);
CREATE INDEX seen_first ON seen (first_seen);

CREATE TABLE settled (
    seq bigint NOT NULL,
    event integer NOT NULL,
    is_done boolean NOT NULL,
    PRIMARY KEY (seq, event)
);

CREATE TABLE paused (source text PRIMARY KEY);

-- The first version of the schema. A file can hold tables of the user, too, so ours have a prefix.
-- What is known of a delivery is inserted once. What changes is one narrow table, with the open ones only.

-- AUTOINCREMENT: a number is never given again, since `inbox_seen` may still refer to it.
CREATE TABLE inbox_delivery(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    tenant TEXT,
    key_id TEXT,
    id TEXT,
    event_type TEXT,
    received_at INTEGER NOT NULL,
    digest BLOB NOT NULL,
    order_key BLOB
) STRICT;
-- For operators who have an id. Ids come in no order, so an index of them all would have each delivery change another page of it,
-- and the log holds each page that changed. Here, those of 1,024 numbers are together, and there is one place to look at for each
-- of these blocks.
CREATE INDEX inbox_delivery_id ON inbox_delivery(seq >> 10, id) WHERE id IS NOT NULL;

CREATE TABLE inbox_payload(
    seq INTEGER PRIMARY KEY,
    headers BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- The open deliveries. One that is leased is due when its lease ends. `is_held`: an open one that is older has its order key.
CREATE TABLE inbox_queue(
    seq INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    order_key BLOB,
    is_held INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    leased INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    has_begun INTEGER NOT NULL DEFAULT 0,
    error TEXT
) STRICT;
CREATE INDEX inbox_queue_due ON inbox_queue(source, due_at, seq) WHERE is_held = 0;
CREATE INDEX inbox_queue_order ON inbox_queue(order_key, seq) WHERE order_key IS NOT NULL;

-- Of the new one and the oldest of the others, the younger one is held. It is the old one if a replay brings an older one back.
CREATE TRIGGER inbox_queue_came AFTER INSERT ON inbox_queue WHEN new.order_key IS NOT NULL
BEGIN
    UPDATE inbox_queue SET is_held = 1 WHERE seq = (
        SELECT max(seq, new.seq) FROM inbox_queue
        WHERE order_key = new.order_key AND seq <> new.seq ORDER BY seq LIMIT 1
    );
END;
CREATE TRIGGER inbox_queue_left AFTER DELETE ON inbox_queue WHEN old.order_key IS NOT NULL
BEGIN
    UPDATE inbox_queue SET is_held = 0 WHERE seq = (
        SELECT seq FROM inbox_queue WHERE order_key = old.order_key ORDER BY seq LIMIT 1
    );
END;

-- The ends. A `state` is a place in `State::ALL`.
CREATE TABLE inbox_outcome(
    seq INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    has_body INTEGER NOT NULL DEFAULT 1,
    reason TEXT,
    error TEXT
) STRICT;
CREATE INDEX inbox_outcome_dead ON inbox_outcome(seq) WHERE state = 3;
CREATE INDEX inbox_outcome_parked ON inbox_outcome(seq) WHERE state = 4;

-- How many there are, since counting millions takes seconds. In a purge, the rest of a delivery goes after its outcome.
CREATE TABLE inbox_tally(
    source TEXT NOT NULL,
    state INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (source, state)
) STRICT, WITHOUT ROWID;
-- It is still in the queue, and its page there is in memory: that of the delivery itself may be damaged.
CREATE TRIGGER inbox_outcome_came AFTER INSERT ON inbox_outcome
BEGIN
    INSERT INTO inbox_tally(source, state, count)
    SELECT source, new.state, 1 FROM inbox_queue WHERE seq = new.seq
    ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER inbox_outcome_left AFTER DELETE ON inbox_outcome
BEGIN
    UPDATE inbox_tally SET count = count - 1
    WHERE source = (SELECT source FROM inbox_delivery WHERE seq = old.seq) AND state = old.state;
END;

-- The first 16 bytes of each key, and the first 8 of the body's digest.
CREATE TABLE inbox_seen(
    key BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    copies INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox_settled(
    seq INTEGER NOT NULL,
    event INTEGER NOT NULL,
    done INTEGER NOT NULL,
    PRIMARY KEY (seq, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox_paused(source TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- A replay makes the row in `inbox_queue` anew, so the tokens are not counted there.
-- `at`: the time of the last claim.
CREATE TABLE inbox_token(last INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
INSERT INTO inbox_token VALUES (0, 0);

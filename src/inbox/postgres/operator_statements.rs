//! The SQL for operators.

use crate::inbox::State;

macro_rules! facts {
    () => {
        "d.seq, d.source, d.tenant, d.key_id, d.id, d.event_type, d.received_at, d.digest, \
         coalesce(o.state, q.leased::integer::smallint) AS state, coalesce(o.attempts, q.attempts) AS attempts, \
         coalesce(o.error, q.error) AS error, o.reason, o.finished_at"
    };
}

macro_rules! list {
    ($with:literal, $delivery:literal, $state:literal) => {
        concat!(
            $with,
            "SELECT ",
            facts!(),
            " FROM ",
            $delivery,
            " LEFT JOIN queue q ON q.seq = d.seq LEFT JOIN outcome o ON o.seq = d.seq
            WHERE d.seq > $1::bigint AND coalesce(o.seq, q.seq) IS NOT NULL
                AND ($3::text IS NULL OR d.source = $3) AND ($4::text IS NULL OR d.tenant = $4)",
            $state,
            " ORDER BY d.seq LIMIT $2::bigint"
        )
    };
    ($state:literal) => {
        list!("", "delivery d", $state)
    };
}

/// A text for each state: the planner sees then that it need not look at all deliveries. `$1`: after which number, `$2`: how
/// many, `$3` and `$4`: sender and tenant.
pub(super) fn list(state: Option<State>) -> &'static str {
    match state {
        None => list!(""),
        Some(State::Ready) => list!(" AND NOT q.leased"),
        Some(State::Leased) => list!(" AND q.leased"),
        Some(State::Done) => list!(" AND o.state = 2"),
        Some(State::Dead) => list!(" AND o.state = 3"),
        Some(State::Parked) => list!(" AND o.state = 4"),
    }
}

/// The same, `$5`: an id, `$6`: a state. The index has an entry for each id within each block of numbers. `OFFSET 0`: whatever the
/// planner thinks, it is to look into that index.
pub(super) const LIST_BY_ID: &str = list!(
    "WITH RECURSIVE block AS (
        (SELECT seq >> 14 AS number FROM delivery WHERE seq > $1::bigint ORDER BY seq LIMIT 1)
        UNION ALL
        SELECT n.number FROM block b, LATERAL (
            SELECT d.seq >> 14 AS number FROM delivery d WHERE d.seq >= (b.number + 1) << 14 ORDER BY d.seq LIMIT 1
        ) n
    )",
    "block b, LATERAL (
        SELECT * FROM delivery d
        WHERE d.seq >> 14 = b.number AND hashtext(d.id) = hashtext($5::text) AND d.id = $5 OFFSET 0
    ) d",
    " AND ($6::smallint IS NULL OR coalesce(o.state, q.leased::integer) = $6)"
);

pub(super) const GET: &str = concat!(
    "SELECT ",
    facts!(),
    ", p.headers, p.body FROM delivery d LEFT JOIN queue q ON q.seq = d.seq LEFT JOIN outcome o ON o.seq = d.seq
    LEFT JOIN payload p ON p.seq = d.seq WHERE d.seq = $1::bigint AND coalesce(o.seq, q.seq) IS NOT NULL"
);

/// `$1`: a number. Locks the outcome of a delivery. A statement of its own: the next ones see what a purge did before.
pub(super) const LOCK_OUTCOME: &str = "
    SELECT d.order_key FROM outcome o JOIN delivery d ON d.seq = o.seq WHERE o.seq = $1::bigint FOR UPDATE OF o";

/// `$1`: a number, `$2`: whether all events are handled again.
pub(super) const REPLAY: &str = "
    WITH o AS (
        DELETE FROM outcome WHERE seq = $1::bigint AND has_body RETURNING seq, state, error
    ), t AS (
        INSERT INTO tally_change (source, state, count)
        SELECT d.source, o.state, -1 FROM o JOIN delivery d ON d.seq = o.seq
    ), s AS (
        DELETE FROM settled s USING o WHERE s.seq = o.seq AND ($2::boolean OR NOT s.is_done)
    )
    INSERT INTO queue (seq, source, error, order_key, due_at, held)
    SELECT d.seq, d.source, o.error, d.order_key, CASE WHEN d.order_key IS NULL THEN now() ELSE 'infinity' END,
        CASE WHEN d.order_key IS NOT NULL THEN now() END
    FROM o JOIN delivery d ON d.seq = o.seq
    RETURNING seq";

/// `$1`: a number.
pub(super) const COPY: &str = "
    WITH n AS (
        SELECT nextval('delivery_seq') AS seq, p.headers, p.body FROM payload p WHERE p.seq = $1::bigint
    ), d AS (
        INSERT INTO delivery (seq, source, tenant, key_id, id, event_type, received_at, digest, order_key)
        SELECT n.seq, d.source, d.tenant, d.key_id, d.id, d.event_type, d.received_at, d.digest, d.order_key
        FROM n, delivery d WHERE d.seq = $1
        RETURNING seq, source, order_key
    ), p AS (
        INSERT INTO payload (seq, headers, body) SELECT n.seq, n.headers, n.body FROM n
    )
    INSERT INTO queue (seq, source, order_key, due_at, held)
    SELECT seq, source, order_key, CASE WHEN order_key IS NULL THEN now() ELSE 'infinity' END,
        CASE WHEN order_key IS NOT NULL THEN now() END
    FROM d
    RETURNING seq";

/// `$1`: an order key that is locked, `$2`: a number. Holds the younger ones that are not held: this one is older. One that is
/// leased keeps its lease.
pub(super) const HOLD_OTHERS: &str = "
    UPDATE queue SET held = due_at, due_at = 'infinity'
    WHERE order_key = $1::uuid AND seq > $2::bigint AND held IS NULL";

/// `$1`: the number of an open delivery.
pub(super) const ORDER_KEY: &str = "SELECT order_key FROM queue WHERE seq = $1::bigint";

/// `$1`: a number, `$2`: the state.
pub(super) const PARK: &str = "
    WITH gone AS (
        DELETE FROM queue WHERE seq = $1::bigint RETURNING seq, source, attempts, error
    ), t AS (
        INSERT INTO tally_change (source, state, count) SELECT source, $2::smallint, 1 FROM gone
    )
    INSERT INTO outcome (seq, state, attempts, error) SELECT seq, $2::smallint, attempts, error FROM gone
    RETURNING seq";

pub(super) const PAUSE: &str = "INSERT INTO paused VALUES ($1::text) ON CONFLICT DO NOTHING";
pub(super) const UNPAUSE: &str = "DELETE FROM paused WHERE source = $1::text";
pub(super) const PAUSED: &str = "SELECT source FROM paused";

pub(super) const STATS: &str = "
    SELECT q.source, q.leased::integer::smallint AS state, count(*) AS deliveries,
        extract(epoch FROM now() - min(d.received_at))::float8 AS age
    FROM queue q JOIN delivery d ON d.seq = q.seq GROUP BY 1, 2
    UNION ALL
    SELECT source, state, sum(count)::bigint, NULL FROM (TABLE tally UNION ALL TABLE tally_change) t
    GROUP BY 1, 2 HAVING sum(count) > 0";

// All that purge: `$1`: seconds, `$2`: the time of the last one of the slice before, `$3`: how many. They wait for nobody, so
// nobody waits for one of them and somebody else: a replay that has locked an outcome keeps it.

macro_rules! purge_bodies {
    ($state:literal) => {
        concat!(
            "
    WITH old AS MATERIALIZED (
        SELECT seq, finished_at FROM outcome
        WHERE state = ",
            $state,
            " AND has_body AND finished_at >= $2::timestamptz
            AND finished_at < now() - make_interval(secs => $1::float8)
        ORDER BY finished_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED
    ), o AS (
        UPDATE outcome SET has_body = false WHERE seq = ANY(ARRAY(SELECT seq FROM old)) RETURNING seq
    ), p AS (
        DELETE FROM payload WHERE seq = ANY(ARRAY(SELECT seq FROM old))
    ), s AS (
        DELETE FROM settled WHERE seq = ANY(ARRAY(SELECT seq FROM old))
    )
    SELECT (SELECT max(finished_at) FROM old) AS last, (SELECT count(*) FROM o) AS purged"
        )
    };
}

/// The bodies of what is done.
pub(super) const PURGE_DONE: &str = purge_bodies!(2);
/// The bodies of what is dead.
pub(super) const PURGE_DEAD: &str = purge_bodies!(3);

/// The other facts of deliveries whose bodies are purged.
pub(super) const PURGE_RECORDS: &str = "
    WITH old AS MATERIALIZED (
        SELECT seq, finished_at FROM outcome
        WHERE NOT has_body AND finished_at >= $2::timestamptz AND finished_at < now() - make_interval(secs => $1::float8)
        ORDER BY finished_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED
    ), o AS (
        DELETE FROM outcome WHERE seq = ANY(ARRAY(SELECT seq FROM old)) RETURNING seq, state
    ), d AS (
        DELETE FROM delivery WHERE seq = ANY(ARRAY(SELECT seq FROM old)) RETURNING seq, source
    ), t AS (
        INSERT INTO tally_change (source, state, count)
        SELECT d.source, o.state, -count(*) FROM o JOIN d ON d.seq = o.seq GROUP BY d.source, o.state
    )
    SELECT (SELECT max(finished_at) FROM old) AS last, (SELECT count(*) FROM o) AS purged";

/// Keys.
pub(super) const PURGE_KEYS: &str = "
    WITH old AS MATERIALIZED (
        SELECT key, first_seen FROM seen
        WHERE first_seen >= $2::timestamptz AND first_seen < now() - make_interval(secs => $1::float8)
        ORDER BY first_seen LIMIT $3::bigint FOR UPDATE SKIP LOCKED
    ), k AS (
        DELETE FROM seen WHERE key = ANY(ARRAY(SELECT key FROM old)) RETURNING key
    )
    SELECT (SELECT max(first_seen) FROM old) AS last, (SELECT count(*) FROM k) AS purged";

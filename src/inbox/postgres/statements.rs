//! The SQL of the inbox. PostgreSQL deduces one type for each parameter, so each is cast.

/// For each connection. A statement that waits longer than this for another one is refused, so that no sender waits long.
/// The JIT compiler would take the disabled plans for expensive ones.
pub(super) const SETTINGS: &str = "
    SET search_path = tower_webhook;
    SET default_transaction_isolation = 'read committed';
    SET lock_timeout = '500ms';
    SET statement_timeout = '10s';
    SET idle_in_transaction_session_timeout = '10s';
    SET client_min_messages = warning;
    SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Pins the plans: with old statistics, a claim would take hundreds of milliseconds instead of one half.
pub(super) const PINNED: &str = "
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_sort = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off";

/// For the connection that wakes workers: a hint need not be on a disk.
pub(super) const HINTS: &str = "SET synchronous_commit = off";

/// For operators, who may take longer. The planner chooses the indexes, but with old statistics it would rather read whole tables.
pub(super) const OPERATOR: &str = "
    SET statement_timeout = '60s';
    SET lock_timeout = '5s';
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off";

/// The settings under which a commit can be lost, as the server has them for new connections.
pub(super) const DURABILITY: &str = "
    SELECT name, reset_val FROM pg_settings WHERE
        name IN ('fsync', 'full_page_writes') AND reset_val = 'off'
        OR name = 'synchronous_commit' AND reset_val IN ('off', 'local')
    ORDER BY name";

/// An aborted transaction takes `COMMIT` for `ROLLBACK` and does not call it an error. But it refuses the empty `SELECT`, and the
/// rest with it.
pub(super) const COMMIT: &str = "SELECT; COMMIT";

/// `$1`: the locks of order keys, in order. Two that wait for each other would never end.
pub(super) const LOCK_ORDERS: &str =
    "SELECT pg_advisory_xact_lock(k)::text FROM unnest($1::bigint[]) AS k";

/// `$1`: order keys, locked. Releases the oldest open delivery of each. Not before now: a claim's floor would be above it.
pub(super) const RELEASE_HEADS: &str = "
    UPDATE queue q SET due_at = greatest(q.held, now()), held = NULL
    FROM unnest($1::uuid[]) AS k(order_key)
    WHERE q.held IS NOT NULL
        AND q.seq = (SELECT h.seq FROM queue h WHERE h.order_key = k.order_key ORDER BY h.seq LIMIT 1)
    RETURNING q.seq";

/// Stores a batch, in one statement and so in one transaction. The numbers are given in the order of the batch, the keys are
/// locked in the order of the keys: otherwise two receivers with the same copies wait for each other. What does not come back is
/// a copy.
pub(super) const ENQUEUE: &str = "
    WITH i AS (
        SELECT u.*, nextval('delivery_seq') AS seq FROM unnest(
            $1::integer[], $2::uuid[], $3::bigint[], $4::integer[], $5::bytea[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::timestamptz[], $12::uuid[], $13::bytea[], $14::bytea[]
        ) AS u(place, key, digest8, copies, digest, source, tenant, key_id, id, event_type, received_at, order_key,
            headers, body)
    ), s AS (
        INSERT INTO seen (key, seq, digest, copies)
        SELECT key, seq, digest8, copies FROM i WHERE key IS NOT NULL ORDER BY key
        ON CONFLICT (key) DO NOTHING RETURNING seq
    ), n AS (
        SELECT i.* FROM i JOIN s ON s.seq = i.seq UNION ALL SELECT i.* FROM i WHERE key IS NULL
    ), d AS (
        INSERT INTO delivery (seq, source, tenant, key_id, id, event_type, received_at, digest, order_key)
        SELECT seq, source, tenant, key_id, id, event_type, received_at, digest, order_key FROM n
    ), p AS (
        INSERT INTO payload (seq, headers, body) SELECT seq, headers, body FROM n
    ), q AS (
        INSERT INTO queue (seq, source, order_key, due_at, held)
        SELECT seq, source, order_key, CASE WHEN order_key IS NULL THEN now() ELSE 'infinity' END,
            CASE WHEN order_key IS NOT NULL THEN now() END
        FROM n
    )
    SELECT place, seq FROM n";

/// `$1`: keys, `$2`: how many copies of each. It writes, so it returns after the first copy is on stable storage.
pub(super) const COUNT_COPIES: &str = "
    WITH k AS MATERIALIZED (
        SELECT s.key FROM seen s WHERE s.key = ANY($1::uuid[]) ORDER BY s.key FOR UPDATE
    ), c AS (
        SELECT * FROM unnest($1::uuid[], $2::integer[]) AS u(key, copies)
    )
    UPDATE seen s SET copies = s.copies + c.copies FROM k JOIN c USING (key) WHERE s.key = k.key
    RETURNING s.key, s.seq, s.digest";

/// `$1`: senders, `$2`: how many of each at most, `$3`: the lease in seconds, `$4`: a floor for each, `$5`: how many in all,
/// in turns. By the place of the row: there is no join for the planner to get wrong. A row that changed between the snapshot
/// and the lock is left for the next claim.
pub(super) const CLAIM: &str = "
    WITH c AS MATERIALIZED (
        SELECT l.ctid, l.turn
        FROM unnest($1::text[], $4::timestamptz[]) AS s(source, floor), LATERAL (
            SELECT f.ctid, row_number() OVER () AS turn FROM (
                SELECT q.ctid FROM queue q
                WHERE q.source = s.source AND q.due_at >= s.floor AND q.due_at <= now()
                ORDER BY q.due_at, q.seq LIMIT $2::bigint FOR UPDATE SKIP LOCKED
            ) f
        ) l
        WHERE NOT EXISTS (SELECT FROM paused p WHERE p.source = s.source)
    ), u AS (
        UPDATE queue q SET crashes = q.crashes + (q.leased AND (q.crashes = 0 OR q.has_begun))::integer::smallint,
            has_begun = false, leased = true, attempts = q.attempts + 1, token = nextval('lease_token'), due_at = now() + make_interval(secs => $3::float8)
        WHERE q.ctid = ANY(ARRAY(SELECT c.ctid FROM c ORDER BY c.turn LIMIT $5::bigint))
        RETURNING q.seq, q.token, q.crashes, q.attempts
    )
    SELECT u.seq, u.token, u.crashes, u.attempts, d.source, d.tenant, d.key_id, d.id, d.event_type, d.received_at, d.digest,
        p.headers, p.body
    FROM u JOIN delivery d ON d.seq = u.seq LEFT JOIN payload p ON p.seq = u.seq";

/// `$1`: numbers. A statement of its own after the claim: an `Ack` that the claim waited for is not in the claim's snapshot.
pub(super) const SETTLED: &str = "
    SELECT s.seq, s.event, s.is_done FROM settled s WHERE s.seq = ANY($1::bigint[])
    ORDER BY s.seq, s.event";

/// `$1`: senders. For each the earliest due time that a claim has to look at. Before it, there can be dead rows only, which a
/// claim would read one by one while a long transaction is open. A commit may come late, hence the 10 seconds.
pub(super) const FLOORS: &str = "
    SELECT s.source, least(
        (SELECT q.due_at FROM queue q WHERE q.source = s.source ORDER BY q.due_at, q.seq LIMIT 1),
        now() - interval '10 s') AS floor
    FROM unnest($1::text[]) AS s(source)";

/// Notes that a handler begins. `$1`, `$2`: the number and the token.
pub(super) const BEGIN: &str = "
    UPDATE queue q SET has_begun = true WHERE q.seq = $1::bigint AND q.token = $2::bigint AND q.leased RETURNING q.seq";

/// Ends and extends leases. `$1..$6`: of each lease the number, the token, the new state, seconds, the reason and the error.
/// `$7..$9`: ends of events. `$10`: the order keys are locked; otherwise deliveries with one only come back with it. A lease that
/// does not come back was lost. `OFFSET 0`: otherwise the planner takes the index of order keys, and reads the whole of it.
pub(super) const END: &str = "
    WITH f AS (
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::float8[], $5::text[], $6::text[])
            AS u(seq, token, state, secs, reason, error)
    ), gone AS (
        DELETE FROM queue q USING f
        WHERE f.state >= 2 AND q.seq = f.seq AND q.token = f.token AND q.leased AND (q.order_key IS NULL OR $10::boolean)
        RETURNING q.seq, q.source, q.attempts, q.order_key, f.state, f.reason, f.error
    ), t AS (
        INSERT INTO tally_change (source, state, count) SELECT source, state, count(*) FROM gone GROUP BY source, state
    ), o AS (
        INSERT INTO outcome (seq, state, attempts, reason, error) SELECT seq, state, attempts, reason, error FROM gone
        ON CONFLICT (seq) DO UPDATE SET state = EXCLUDED.state, attempts = EXCLUDED.attempts, finished_at = now(),
            reason = EXCLUDED.reason, error = EXCLUDED.error
    ), kept AS (
        UPDATE queue q SET
            leased = f.state = 1,
            attempts = greatest(q.attempts - (f.state = 0 AND f.error IS NULL)::integer, 0),
            crashes = CASE WHEN f.error IS NULL AND NOT (f.state = 1 AND q.seq = ANY($7::bigint[])) THEN q.crashes ELSE 0 END,
            error = coalesce(f.error, q.error),
            due_at = CASE WHEN q.held IS NULL THEN now() + make_interval(secs => f.secs) ELSE q.due_at END,
            held = CASE WHEN q.held IS NOT NULL THEN now() + make_interval(secs => f.secs) END
        FROM f WHERE f.state < 2 AND q.seq = f.seq AND q.token = f.token AND q.leased
        RETURNING q.seq
    ), ended AS (
        SELECT seq FROM gone UNION ALL SELECT seq FROM kept
    ), m AS (
        INSERT INTO settled (seq, event, is_done)
        SELECT u.seq, u.event, u.is_done FROM unnest($7::bigint[], $8::integer[], $9::boolean[]) AS u(seq, event, is_done)
        JOIN ended ON ended.seq = u.seq
        ON CONFLICT DO NOTHING
    )
    SELECT seq, NULL::uuid AS order_key FROM ended
    UNION ALL
    SELECT h.seq, h.order_key FROM (
        SELECT q.seq, q.order_key FROM f JOIN queue q ON q.seq = f.seq
        WHERE f.state >= 2 AND q.token = f.token AND q.leased AND NOT $10::boolean OFFSET 0
    ) h WHERE h.order_key IS NOT NULL";

/// A user's transaction runs it, with three numbers of one type, as `Ack` has them. `FOR KEY SHARE` keeps its fence up to the
/// commit: a claim skips the row although the lease ran out, `extend` passes, and `finish` waits.
pub(super) const ACK: &str = "\
    INSERT INTO tower_webhook.settled (seq, event, is_done) \
    SELECT q.seq, $3::bigint::integer, true FROM tower_webhook.queue q \
    WHERE q.seq = $1::bigint AND q.token = $2::bigint AND q.leased FOR KEY SHARE \
    ON CONFLICT (seq, event) DO UPDATE SET is_done = true WHERE NOT settled.is_done";

/// It writes, since a server whose disk is full still reads.
pub(super) const PING: &str = "UPDATE version SET checked_at = now()";

/// Adds up changes of the tally, `$1` at most. In order: another process may do it at the same time.
pub(super) const ADD_UP: &str = "
    WITH gone AS (
        DELETE FROM tally_change WHERE ctid = ANY(ARRAY(SELECT c.ctid FROM tally_change c LIMIT $1::bigint))
        RETURNING source, state, count
    ), t AS (
        INSERT INTO tally AS t (source, state, count)
        SELECT source, state, sum(count) FROM gone GROUP BY source, state ORDER BY source, state
        ON CONFLICT (source, state) DO UPDATE SET count = t.count + EXCLUDED.count
    )
    SELECT count(*) AS added FROM gone";

/// `$1`: enough to know that the store is full.
pub(super) const COUNT_OPEN: &str =
    "SELECT count(*) AS open FROM (SELECT FROM queue LIMIT $1::bigint) q";

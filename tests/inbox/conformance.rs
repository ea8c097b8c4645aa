//! The suite for stores: `MemoryStore` passes it, and a store with a fault does not.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tower_webhook::{
    clock::ManualClock,
    inbox::{
        Harness, MemoryStore, PostgresStore, SqliteOptions, SqliteStore, StoreReport, conformance,
    },
};

use crate::{
    faulty::{Fault, Faulty},
    postgres::server::{Database, OWN, database},
    sqlite::Folder,
    threaded::Threaded,
};

fn clock() -> ManualClock {
    ManualClock::at_unix_seconds(1_700_000_000)
}

struct Memory(ManualClock, u64);

impl Harness for Memory {
    type Store = MemoryStore;

    async fn store(&self) -> MemoryStore {
        MemoryStore::with_clock(self.0.clone())
    }

    async fn pass(&self, _: &MemoryStore, time: Duration) {
        self.0.advance(time);
    }

    fn seed(&self) -> u64 {
        self.1
    }
}

#[tokio::test]
async fn the_store_in_memory_passes() {
    for seed in 0..3 {
        let report = conformance(&Memory(clock(), seed)).await;
        report.assert_passed();
        assert_eq!(report.seed(), seed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_memory_passes_with_threads() {
    conformance(&Memory(clock(), 4)).await.assert_passed();
}

/// A file for each store, in one folder.
struct Sqlite {
    folder: Folder,
    clock: ManualClock,
    count: AtomicU32,
}

impl Harness for Sqlite {
    type Store = SqliteStore;

    async fn store(&self) -> SqliteStore {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let file = self.folder.0.join(format!("{count}.db"));
        let options = SqliteOptions::new(file).clock(self.clock.clone());
        options.min_free_bytes(0).open().unwrap()
    }

    async fn pass(&self, _: &SqliteStore, time: Duration) {
        self.clock.advance(time);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_a_file_passes() {
    let sqlite = Sqlite { folder: Folder::in_memory(), clock: clock(), count: AtomicU32::new(0) };
    conformance(&sqlite).await.assert_passed();
}

/// One database for all stores, each with tables of its own.
struct Postgres(Database);

impl Harness for Postgres {
    type Store = PostgresStore;

    async fn store(&self) -> PostgresStore {
        // The one before may still do what it has taken, and must not do it in the next one's tables.
        self.0.until(&format!("SELECT count(*) = 0 FROM pg_stat_activity WHERE {OWN}")).await;
        self.0.run("DROP SCHEMA IF EXISTS tower_webhook CASCADE").await;
        self.0.store().await
    }

    async fn pass(&self, _: &PostgresStore, time: Duration) {
        self.0.pass(time).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_postgresql_passes() {
    if let Some(database) = database().await {
        conformance(&Postgres(database)).await.assert_passed();
    }
}

struct WithThread(ManualClock);

impl Harness for WithThread {
    type Store = Threaded;

    async fn store(&self) -> Threaded {
        Threaded::new(MemoryStore::with_clock(self.0.clone()))
    }

    async fn pass(&self, _: &Threaded, time: Duration) {
        self.0.advance(time);
    }
}

#[tokio::test]
async fn a_store_whose_futures_wait_passes() {
    conformance(&WithThread(clock())).await.assert_passed();
}

#[test]
fn the_suite_is_sent_between_threads() {
    fn is_send(_: impl Send) {}
    is_send(conformance(&WithThread(clock())));
}

struct WithFault(Fault, ManualClock);

impl Harness for WithFault {
    type Store = Faulty;

    async fn store(&self) -> Faulty {
        Faulty::new(self.0, self.1.clone())
    }

    async fn pass(&self, _: &Faulty, time: Duration) {
        self.1.advance(time);
    }
}

async fn tried(fault: Fault) -> StoreReport {
    conformance(&WithFault(fault, clock())).await
}

#[tokio::test]
async fn a_store_around_another_passes() {
    tried(Fault::None).await.assert_passed();
}

/// The suite fails a store with this fault, in this case.
async fn fails(fault: Fault, case: &str) {
    let report = tried(fault).await;
    println!("{fault:?}: {:?}", report.failures());
    assert!(report.failures().contains(&case), "{fault:?} passes {case}: {report}");
}

macro_rules! faults {
    ($($name:ident: $fault:ident => $case:literal;)*) => {
        $(
            // The clock is paused so that a store which hangs takes no time.
            #[tokio::test(start_paused = true)]
            async fn $name() {
                fails(Fault::$fault, $case).await;
            }
        )*
    };
}

faults! {
    loses_each_hundredth: LosesEachHundredth => "one-per-key";
    duplicates_are_new: DuplicatesAreNew => "one-per-key";
    body_never_differs: BodyNeverDiffers => "body-differs";
    unkeyed_are_duplicates: UnkeyedAreDuplicates => "no-key";
    cuts_bodies: CutsBodies => "round-trip";
    empty_is_none: EmptyIsNone => "round-trip";
    headers_are_text: HeadersAreText => "round-trip";
    seconds_only: SecondsOnly => "round-trip";
    cuts_texts: CutsTexts => "long-texts";
    reuses_numbers: ReusesNumbers => "numbers-grow";
    pressure_is_constant: PressureIsConstant => "pressure";
    stores_when_polled: StoresWhenPolled => "dropped-enqueue";
    close_refuses_nothing: CloseRefusesNothing => "close";
    newest_first: NewestFirst => "oldest-first";
    starves_the_small_sender: StarvesTheSmallSender => "fair";
    claims_of_all: ClaimsOfAll => "only-named";
    claims_one_more: ClaimsOneMore => "only-named";
    leases_twice: LeasesTwice => "leased-once";
    counts_no_attempt: CountsNoAttempt => "attempts";
    release_counts: ReleaseCounts => "attempts";
    counts_no_crash: CountsNoCrash => "crash";
    begin_does_nothing: BeginDoesNothing => "crash";
    loses_the_crashed: LosesTheCrashed => "crash";
    accepts_stale_tokens: AcceptsStaleTokens => "stale-lease";
    keeps_marks_of_the_lost: KeepsMarksOfTheLost => "stale-lease";
    refuses_late_leases: RefusesLateLeases => "late-lease";
    extend_does_nothing: ExtendDoesNothing => "extend";
    extend_drops_marks: ExtendDropsMarks => "extend";
    retries_at_once: RetriesAtOnce => "retry";
    long_spans_overflow: LongSpansOverflow => "longest-spans";
    retry_keeps_crashes: RetryKeepsCrashes => "retry";
    retry_drops_marks: RetryDropsMarks => "marks";
    last_mark_wins: LastMarkWins => "marks";
    done_is_retried: DoneIsRetried => "done";
    done_keeps_error: DoneKeepsError => "done";
    dead_is_retried: DeadIsRetried => "dead";
    one_reason: OneReason => "dead";
    rest_is_all: RestIsAll => "replay-rest";
    all_is_rest: AllIsRest => "replay-all";
    copy_is_replay: CopyIsReplay => "replay-copy";
    copies_twice: CopiesTwice => "replay-copy";
    replays_open: ReplaysOpen => "replay-open";
    replay_keeps_attempts: ReplayKeepsAttempts => "replay-all";
    tokens_are_attempts: TokensAreAttempts => "tokens";
    park_keeps_the_lease: ParkKeepsTheLease => "park";
    park_is_forgotten: ParkIsForgotten => "park";
    pause_is_ignored: PauseIsIgnored => "pause";
    order_is_ignored: OrderIsIgnored => "order";
    one_order_for_all: OneOrderForAll => "order-apart";
    retry_leaves_the_order: RetryLeavesTheOrder => "order-retry";
    crash_leaves_the_order: CrashLeavesTheOrder => "order-crash";
    purges_parked: PurgesParked => "purge-open";
    purges_too_early: PurgesTooEarly => "purge-bodies";
    purge_drops_keys: PurgeDropsKeys => "purge-keys";
    purge_keeps_keys: PurgeKeepsKeys => "purge-keys";
    replays_purged: ReplaysPurged => "replay-purged";
    ignores_tenant: IgnoresTenant => "list";
    lists_bodies: ListsBodies => "list";
    pages_overlap: PagesOverlap => "pages";
    counts_no_dead: CountsNoDead => "stats";
    oldest_stands_still: OldestStandsStill => "stats";
    half_claim: HalfClaim => "dropped-claim";
    half_finish: HalfFinish => "dropped-finish";
    half_replay: HalfReplay => "dropped-replay";
    half_copy: HalfCopy => "dropped-copy";
    purge_ends_pause: PurgeEndsPause => "state-machine";
    panics: Panics => "pressure";
    hangs: Hangs => "pressure";
}

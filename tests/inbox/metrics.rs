//! What an inbox tells its metrics.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use tower_webhook::{
    BoxError, EventRouter,
    inbox::{Inbox, MemoryStore, Store, Worker},
    router::Failure,
};

use crate::{
    sqlite::{Folder, delivery},
    support::{Order, Shop, TokioClock, orders, receive},
};

/// Keeps the values of each metric, under its name and its labels.
#[derive(Clone, Default)]
struct Values(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

#[derive(Default)]
struct Described(Mutex<BTreeMap<String, (&'static str, Option<Unit>)>>);

static VALUES: OnceLock<Values> = OnceLock::new();
static DESCRIBED: Described = Described(Mutex::new(BTreeMap::new()));

/// One for the whole process, as there is only one recorder. Each test has a sender of its own.
fn values() -> &'static Values {
    VALUES.get_or_init(|| {
        let values = Values::default();
        metrics::set_global_recorder(values.clone()).expect("nobody else has set one");
        values
    })
}

impl Values {
    fn of(&self, metric: &str) -> Vec<f64> {
        self.0.lock().unwrap().get(metric).cloned().unwrap_or_default()
    }

    fn sum(&self, metric: &str) -> f64 {
        self.of(metric).iter().sum()
    }
}

struct Value {
    values: Values,
    name: String,
}

impl Value {
    fn of(values: &Values, key: &Key) -> Arc<Self> {
        let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
        let name = format!("{}{}", key.name(), labels.collect::<String>());
        Arc::new(Self { values: values.clone(), name })
    }

    fn add(&self, value: f64) {
        self.values.0.lock().unwrap().entry(self.name.clone()).or_default().push(value);
    }
}

impl CounterFn for Value {
    fn increment(&self, by: u64) {
        self.add(by as f64);
    }

    fn absolute(&self, _: u64) {
        unreachable!("the crate counts");
    }
}

impl GaugeFn for Value {
    fn increment(&self, _: f64) {
        unreachable!("the crate sets");
    }

    fn decrement(&self, _: f64) {
        unreachable!("the crate sets");
    }

    fn set(&self, value: f64) {
        self.add(value);
    }
}

impl HistogramFn for Value {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

fn describe(kind: &'static str, name: &KeyName, unit: Option<Unit>) {
    DESCRIBED.0.lock().unwrap().insert(name.as_str().to_owned(), (kind, unit));
}

impl Recorder for Values {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        describe("counter", &name, unit);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        describe("gauge", &name, unit);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        describe("histogram", &name, unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Value::of(self, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Value::of(self, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Value::of(self, key))
    }
}

#[tokio::test(start_paused = true)]
async fn the_door_counts_what_it_stores_and_what_it_refuses() {
    let values = values();
    let inbox = Inbox::new(MemoryStore::new());
    for id in ["a", "b", "a"] {
        assert_eq!(receive(&inbox, "door", id, orders(&[1])).await.status(), 200);
    }
    inbox.close().await.unwrap();
    assert_eq!(receive(&inbox, "door", "c", orders(&[1])).await.status(), 503);
    assert_eq!(values.sum("webhook_inbox_accepted_total sender=door"), 2.0);
    assert_eq!(values.sum("webhook_inbox_duplicates_total sender=door"), 1.0);
    assert_eq!(values.sum("webhook_inbox_refused_total sender=door reason=closed"), 1.0);
    assert_eq!(values.of("webhook_inbox_enqueue_seconds sender=door").len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_worker_counts_attempts_and_deliveries() {
    let values = values();
    let inbox = Inbox::new(MemoryStore::with_clock(TokioClock::new()));
    for number in 1..=4 {
        receive(&inbox, "bench", &number.to_string(), orders(&[number])).await;
    }
    let events = EventRouter::new().on(async |order: Order| {
        tokio::time::sleep(Duration::from_secs(order.number)).await;
        match order.number {
            1 | 2 => Ok(()),
            3 => Err(Failure::dead("no such account")),
            _ => Err(Failure::from(BoxError::from("not yet"))),
        }
    });
    let worker = Worker::new(inbox.clone()).on(Shop("bench"), events).max_attempts(2);
    let pause = Duration::from_secs(1);
    // Longer than the attempts and until the next count, by a clock that stands still meanwhile.
    let stop = tokio::time::sleep(Duration::from_secs(60));
    worker.backoff(pause, pause).run(stop).await;
    let attempts =
        |end| values.sum(&format!("webhook_inbox_attempts_total sender=bench end={end}"));
    assert_eq!(["done", "retry", "dead", "lost"].map(attempts), [2.0, 1.0, 2.0, 0.0]);
    let dead = |why| values.sum(&format!("webhook_inbox_dead_total sender=bench reason={why}"));
    assert_eq!(["refused", "exhausted", "crashed"].map(dead), [1.0, 1.0, 0.0]);
    let handling = values.sum("webhook_inbox_attempt_seconds sender=bench");
    assert!((14.0..14.5).contains(&handling), "1, 2, 3 and twice 4 seconds: {handling}");
    let counted =
        |state| values.of(&format!("webhook_inbox_deliveries sender=bench state={state}"));
    assert_eq!(counted("done").last(), Some(&2.0));
    // At the start and every 15 seconds, in a minute.
    assert!((4..=5).contains(&counted("done").len()), "{:?}", counted("done"));
    assert_eq!(counted("dead").last(), Some(&2.0));
    assert_eq!(counted("leased").last(), Some(&0.0));
    assert_eq!(values.of("webhook_inbox_oldest_seconds sender=bench").last(), Some(&0.0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_is_counted() {
    let values = values();
    let inbox = Inbox::new(MemoryStore::with_clock(TokioClock::new()));
    receive(&inbox, "lost", "1", orders(&[1])).await;
    let parking = inbox.clone();
    let events = EventRouter::new().on(async move |_: Order| {
        assert_eq!(parking.store().park(1).await, Ok(true));
        std::future::pending::<()>().await;
    });
    let worker = Worker::new(inbox).on(Shop("lost"), events.event_timeout(Duration::MAX));
    worker.run(tokio::time::sleep(Duration::from_secs(60))).await;
    assert_eq!(values.sum("webhook_inbox_attempts_total sender=lost end=lost"), 1.0);
}

#[tokio::test]
async fn a_store_tells_how_many_writes_share_a_commit() {
    let (values, folder) = (values(), Folder::new());
    let before = values.sum("webhook_inbox_commit_writes");
    let store = folder.open();
    let all: Vec<_> = (0..20).map(|number| store.enqueue(delivery("commits", number))).collect();
    for one in all {
        one.await.unwrap();
    }
    store.close().await.unwrap();
    // Other tests have stores, too.
    assert!(values.sum("webhook_inbox_commit_writes") >= before + 20.0);
    assert!(values.of("webhook_inbox_commit_writes").iter().all(|&writes| writes >= 1.0));
}

#[test]
fn the_guide_lists_each_metric() {
    values();
    drop(Inbox::new(MemoryStore::new()));
    let page = include_str!("../../src/docs/inbox.md");
    let rows = page.lines().filter(|line| line.starts_with("| `webhook_inbox_"));
    let listed: BTreeMap<_, _> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            let mut next = || cells.next().unwrap().to_owned();
            (next().replace('`', ""), next())
        })
        .collect();
    let described = DESCRIBED.0.lock().unwrap();
    let described: BTreeMap<_, _> = described
        .iter()
        .map(|(name, (kind, unit))| (name.clone(), format!("{kind}, {}", unit_name(unit))))
        .collect();
    assert_eq!(listed, described);
}

fn unit_name(unit: &Option<Unit>) -> &'static str {
    match unit {
        Some(Unit::Seconds) => "seconds",
        Some(Unit::Count) => "count",
        other => panic!("{other:?}"),
    }
}

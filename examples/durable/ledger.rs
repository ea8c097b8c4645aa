//! The ledger: what handlers did. Here, and in the example `postgres`.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tower_webhook::{
    BoxError, Delivery, State, providers::learn365::CourseCompleted, router::EventKey,
};

/// A handler that takes some time, and then writes its effect.
pub(crate) async fn completed(
    _: CourseCompleted,
    State(ledger): State<PathBuf>,
    key: Option<EventKey>,
    delivery: Delivery,
) -> Result<(), BoxError> {
    sleep(Duration::from_millis(10)).await;
    let key = key.ok_or("a delivery without an id")?;
    let line = format!("{key} {} {}\n", delivery.id().unwrap_or_default(), delivery.attempt());
    // In one write: two could be torn apart by the kill.
    Ok(OpenOptions::new().append(true).create(true).open(ledger)?.write_all(line.as_bytes())?)
}

/// An event that was handled.
pub(crate) struct Handled {
    pub(crate) delivery: String,
    /// More than one if it was handled again.
    pub(crate) attempts: Vec<String>,
}

/// The ledger, by the key of each event, when it has this many events.
pub(crate) async fn handled(
    ledger: &Path,
    events: usize,
) -> Result<BTreeMap<String, Handled>, BoxError> {
    let begun = Instant::now();
    loop {
        let mut all: BTreeMap<String, Handled> = BTreeMap::new();
        for line in fs::read_to_string(ledger).unwrap_or_default().lines() {
            let [key, delivery, attempt] = line.split(' ').collect::<Vec<_>>()[..] else {
                return Err(format!("`{line}` is no line of the ledger").into());
            };
            let new = || Handled { delivery: delivery.to_owned(), attempts: Vec::new() };
            all.entry(key.to_owned()).or_insert_with(new).attempts.push(attempt.to_owned());
        }
        if all.len() >= events || begun.elapsed() > Duration::from_secs(60) {
            return Ok(all);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

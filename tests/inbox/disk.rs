//! Disks that lose their power, fill up, fail or are slow, under a store in a process of its own.

mod after;
mod cut;
mod failing;
mod full;
mod opening;
mod power;
mod record;
mod shim;
mod slow;
mod torn;
mod unreadable;

use std::{
    env, fs,
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use tower_webhook::inbox::{Claim, NewDelivery, Record, SqliteStore, Store};

use crate::sqlite::FILE;

/// SplitMix64: numbers that a seed chooses.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// Of each number, the order is another one, and some fill several pages.
fn body(number: usize) -> Bytes {
    let length = if number % 32 == 8 { 9_000 } else { 50 + number % 7 * 90 };
    let mut random = Random(number as u64);
    let text: String = (0..length).map(|_| char::from(b'a' + random.below(26) as u8)).collect();
    format!(r#"[{{"type": "order", "data": {{"number": {number}, "text": "{text}"}}}}]"#).into()
}

fn delivery(number: usize) -> NewDelivery {
    let (id, body) = (number.to_string(), body(number));
    let record = Record {
        source: "shop".into(),
        tenant: None,
        key_id: None,
        id: Some(id.as_str().into()),
        event_type: None,
        received_at: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        headers: Bytes::from_static(b"a: b\r\n"),
        digest: Sha256::digest(&body).into(),
        body,
    };
    NewDelivery { record, key: Some(Sha256::digest(id).into()), order_key: None }
}

fn number(record: &Record) -> usize {
    record.id.as_ref().unwrap().parse().unwrap()
}

fn claim_of(most: usize) -> Claim {
    Claim { sources: ["shop".into()].into(), most, lease: Duration::from_secs(600) }
}

/// Where this process, which is a child, has its store.
fn file() -> PathBuf {
    PathBuf::from(env::var_os(FILE).expect("the file of the store"))
}

/// Gives an order to the disk of this process: see `tests/disk/shim.c`.
fn order(text: &str) {
    fs::write(file().with_file_name("shim"), text).unwrap();
}

/// What others have been told by a child, in the record of its disk.
#[derive(Clone)]
struct Ledger(Arc<File>);

impl Ledger {
    fn new() -> Self {
        // Without a shim there is no record, and nobody reads it.
        let path = match env::var_os("SHIM_LOG") {
            Some(_) => file().with_file_name(record::LEDGER),
            None => "/dev/null".into(),
        };
        Self(Arc::new(OpenOptions::new().create(true).append(true).open(path).unwrap()))
    }

    /// In one write, which is before or after each other step.
    fn note(&self, what: &str, number: usize) {
        (&*self.0).write_all(format!("{what} {number}\n").as_bytes()).unwrap();
    }
}

/// When a sender notes that it was answered.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    WhenStored,
    /// A fault that must be found.
    First,
    /// Another one.
    EvenIfItFailed,
}

/// Has 64 senders send these, each one after the other.
async fn send(store: &SqliteStore, ledger: &Ledger, numbers: Vec<usize>, answer: Answer) {
    let mut senders = JoinSet::new();
    for sender in 0..64 {
        let (store, ledger) = (store.clone(), ledger.clone());
        let own: Vec<_> = numbers.iter().copied().skip(sender).step_by(64).collect();
        senders.spawn(async move {
            for number in own {
                if answer == Answer::First {
                    ledger.note("stored", number);
                }
                let is_stored = store.enqueue(delivery(number)).await.is_ok();
                if answer != Answer::First && (is_stored || answer == Answer::EvenIfItFailed) {
                    ledger.note("stored", number);
                }
            }
        });
    }
    senders.join_all().await;
}

/// Waits until the whole log is in the file, so that it begins anew with the next commit.
async fn until_moved() {
    let user = Connection::open(file()).unwrap();
    user.query_row("SELECT count(*) FROM inbox_token", [], |_| Ok(())).unwrap();
    let is_moved = || {
        user.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
            Ok(row.get::<_, i64>(1)? == row.get::<_, i64>(2)?)
        })
    };
    for _ in 0..1_000 {
        if is_moved().unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the log is not moved");
}

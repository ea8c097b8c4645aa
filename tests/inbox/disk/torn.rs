//! A file or a log in which a bit is not what was written: nobody is given an event that nobody sent.
//!
//! SQLite checks each frame of its log. The first that is wrong ends the log: what came after it is gone, although its sender was
//! answered. So it is with a broken disk, and a store cannot mend it. What must not be is a delivery that is another one.

use std::{fs, path::PathBuf, time::Duration};

use rusqlite::Connection;
use tower_webhook::{
    EventRouter,
    error::ConfigError,
    inbox::{DeadReason, Filter, Inbox, SqliteStore, State, Store, Worker},
};

use super::{Ledger, Random, body, claim_of, file, number, send, until_moved};
use crate::{
    disk::Answer,
    sqlite::{Folder, Process},
    support::{Log, Order, Shop, stats},
};

/// Those that are in the file, and not only in the log.
const MOVED: usize = 40;
const STORED: usize = 100;

#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver() {
    let (store, ledger) = (SqliteStore::open(file()).unwrap(), Ledger::new());
    send(&store, &ledger, (0..MOVED).collect(), Answer::WhenStored).await;
    until_moved().await;
    // It keeps the rest from being moved.
    let user = Connection::open(file()).unwrap();
    user.execute_batch("BEGIN; SELECT * FROM inbox_token;").unwrap();
    for number in MOVED..STORED {
        send(&store, &ledger, vec![number], Answer::WhenStored).await;
    }
    println!("stored");
    tokio::time::sleep(Duration::from_secs(600)).await;
}

/// The file and the log that a process has left which was killed.
struct Left {
    file: Vec<u8>,
    log: Vec<u8>,
}

impl Left {
    fn new() -> Self {
        let folder = Folder::in_memory();
        Process::start(&folder, "disk::torn::receiver").line_with("stored");
        let read = |path: PathBuf| fs::read(path).unwrap();
        Self { file: read(folder.file()), log: read(folder.0.join("inbox.db-wal")) }
    }

    /// Opens them, after this was done to them.
    fn open(&self, file: impl FnOnce(&mut Vec<u8>), log: impl FnOnce(&mut Vec<u8>)) -> Opened {
        let folder = Folder::in_memory();
        let (mut file_now, mut log_now) = (self.file.clone(), self.log.clone());
        file(&mut file_now);
        log(&mut log_now);
        fs::write(folder.file(), file_now).unwrap();
        fs::write(folder.0.join("inbox.db-wal"), log_now).unwrap();
        let store = SqliteStore::open(folder.file());
        Opened { store, folder }
    }
}

struct Opened {
    store: Result<SqliteStore, ConfigError>,
    folder: Folder,
}

impl Opened {
    /// The numbers of those that are stored, all of them with their own bodies. `None`: it was refused, with advice.
    async fn whole(self) -> Option<Vec<usize>> {
        let store = match self.store {
            Ok(store) => store,
            Err(error) => {
                let (text, path) = (error.to_string(), self.folder.file().display().to_string());
                assert!(text.contains(&path) && text.contains(": "), "{error:?}");
                return None;
            }
        };
        let mut numbers = Vec::new();
        for leased in store.claim(claim_of(1_000)).await.unwrap() {
            let number = number(&leased.record);
            assert_eq!(leased.record.body, body(number), "{number}");
            numbers.push(number);
        }
        numbers.sort_unstable();
        Some(numbers)
    }
}

fn flip(bytes: &mut [u8], at: usize, random: &mut Random) {
    bytes[at] ^= 1 << random.below(8);
}

#[tokio::test]
async fn a_torn_log_ends_where_it_is_torn() {
    let (left, mut random) = (Left::new(), Random(5));
    let length = left.log.len();
    let mut shorter = 0;
    for round in 0..80 {
        let at = match round % 4 {
            // The head of the log, its middle, its end.
            0 => random.below(32),
            1 => random.below(length),
            _ => length - 1 - random.below(3 * 4_120),
        };
        let opened = left.open(
            |_| {},
            |log| match round % 4 {
                3 => log.truncate(at),
                _ => flip(log, at, &mut random),
            },
        );
        let numbers = opened.whole().await.expect("what is in the file can be opened");
        // Those of the file are there, and of the log those up to a commit.
        assert_eq!(numbers, Vec::from_iter(0..numbers.len()), "at {at} of {length}");
        assert!(numbers.len() >= MOVED);
        shorter += usize::from(numbers.len() < STORED);
    }
    println!("of 80 torn logs {shorter} end earlier");
    assert!(shorter > 40);
}

/// Changes a letter in the body of this delivery. SQLite may have moved it, and left the old one where it was.
fn change(file: &mut [u8], number: usize) {
    let begin = &body(number)[..60];
    let is_body = |place: &usize| file[*place..].starts_with(begin);
    let places: Vec<_> = (0..file.len()).filter(is_body).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|place| file[place + 55] ^= 1);
}

/// The negative control: what tells a wrong body from a right one.
#[tokio::test]
#[should_panic(expected = "assertion `left == right` failed: 9")]
async fn a_bit_of_a_body_is_seen() {
    Left::new().open(|file| change(file, 9), Vec::clear).whole().await;
}

#[tokio::test]
async fn a_body_that_is_another_one_is_dead_and_not_handled() {
    let (left, mut random) = (Left::new(), Random(6));
    for _ in 0..8 {
        let wrong = random.below(MOVED);
        // Without the log, whose pages would take the place of those of the file.
        let opened = left.open(|file| change(file, wrong), Vec::clear);
        let (inbox, log) = (Inbox::new(opened.store.unwrap()), Log::default());
        let events = EventRouter::with_state(log.clone()).on(handle);
        let worker = Worker::new(inbox.clone()).on(Shop("shop"), events);
        let worker = tokio::spawn(worker.run(std::future::pending()));
        let ended = loop {
            let stats = stats(&inbox).await;
            if stats.ready + stats.leased == 0 {
                break stats;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        worker.abort();
        assert_eq!((ended.done, ended.dead), (MOVED as u64 - 1, 1));
        let dead = Filter { state: Some(State::Dead), ..Filter::default() };
        let dead = inbox.store().list(dead).await.unwrap();
        assert_eq!((number(&dead[0].record), dead[0].reason), (wrong, Some(DeadReason::Corrupt)));
        assert!(!log.lines().contains(&wrong.to_string()));
    }
}

async fn handle(order: Order, log: tower_webhook::State<Log>) {
    log.0.add(order.number.to_string());
}

/// A bit anywhere in the file: it is refused with advice, or nobody is given a body that was not stored.
#[tokio::test]
async fn a_file_with_a_wrong_bit_is_refused_or_gives_what_was_stored() {
    let (left, mut random) = (Left::new(), Random(7));
    let (mut refused, mut given) = (0, 0);
    for _ in 0..60 {
        // Without the log, whose pages would take the place of those of the file.
        let opened = left.open(
            |file| {
                let at = random.below(file.len());
                flip(file, at, &mut random);
            },
            Vec::clear,
        );
        let path = opened.folder.file().display().to_string();
        match opened.store {
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains(&path), "{error:?}");
            }
            Ok(store) => {
                let Ok(all) = store.claim(claim_of(1_000)).await else { continue };
                for leased in all {
                    let is_own = digest(&leased.record.body) == leased.record.digest;
                    let known = (0..STORED).any(|number| body(number) == leased.record.body);
                    given += usize::from(known && is_own);
                    assert!(known || !is_own, "{:?}", leased.record);
                }
            }
        }
    }
    println!(
        "of 60 files with a wrong bit {refused} are refused, the others give {given} right bodies"
    );
    assert!(refused > 0 && given > 1_000);
}

fn digest(body: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(body).into()
}

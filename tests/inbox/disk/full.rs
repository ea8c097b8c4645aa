//! A full disk: what is new is refused, what is stored can be read, and everything goes on when there is room again.

use std::{fs, io::Write, process::Command};

use tower_webhook::{
    error::InboxError,
    inbox::{Filter, Finish, Lease, SqliteOptions, SqliteStore, State, Store},
};

use super::{
    Ledger, Random,
    after::{after_cuts, cuts},
    claim_of, delivery, file, number, order,
    record::Record,
    shim::Disk,
};
use crate::sqlite::{Folder, Process};

/// A file that takes up room on a real disk.
const BALLAST: &str = "ballast";

/// On a disk that is smaller than what a store leaves free.
fn open() -> SqliteStore {
    SqliteOptions::new(file()).min_free_bytes(0).open().unwrap()
}

fn make_room() {
    match fs::remove_file(file().with_file_name(BALLAST)) {
        Ok(()) => {}
        Err(_) => order("room -1"),
    }
}

/// Stores until nothing fits in any more, not even what is small. Returns what it has stored.
async fn fill(store: &SqliteStore, ledger: &Ledger) -> Vec<usize> {
    let (mut stored, mut refused) = (Vec::new(), 0);
    for number in 4..10_000 {
        match store.enqueue(delivery(number)).await {
            Ok(_) => {
                ledger.note("stored", number);
                stored.push(number);
                refused = 0;
            }
            Err(error) => {
                assert_eq!(error, InboxError::Full);
                refused += 1;
            }
        }
        if refused == 20 {
            return stored;
        }
    }
    panic!("the disk is not full");
}

pub(super) async fn listed(store: &SqliteStore) -> Vec<usize> {
    let all = store.list(Filter { most: usize::MAX, ..Filter::default() }).await.unwrap();
    all.iter().map(|stored| number(&stored.record)).collect()
}

/// While the disk is full.
async fn is_read_and_perhaps_finished(store: &SqliteStore, stored: &[usize], leases: &[Lease]) {
    assert_eq!(listed(store).await, stored);
    let first = store.get(leases[0].seq).await.unwrap().unwrap();
    assert_eq!(first.record, delivery(0).record);
    for lease in leases {
        let finished = store.finish(*lease, Vec::new(), Finish::Done).await;
        assert!([Ok(true), Err(InboxError::Full)].contains(&finished), "{finished:?}");
    }
}

/// Runs on a small disk, in a process of its own.
#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver() {
    if !file().with_file_name(BALLAST).exists() {
        order("room 1000000");
    }
    let (store, ledger) = (open(), Ledger::new());
    for number in 0..4 {
        store.enqueue(delivery(number)).await.unwrap();
        ledger.note("stored", number);
    }
    let leased = store.claim(claim_of(4)).await.unwrap();
    let leases: Vec<_> = leased.iter().map(|leased| leased.lease).collect();
    let mut stored = Vec::from_iter(0..4);
    stored.extend(fill(&store, &ledger).await);
    assert!(stored.len() > 20, "{stored:?}");
    is_read_and_perhaps_finished(&store, &stored, &leases).await;
    make_room();
    for number in 10_000..10_050 {
        store.enqueue(delivery(number)).await.unwrap();
        ledger.note("stored", number);
        stored.push(number);
    }
    for lease in leases {
        // Unless it is done already.
        store.finish(lease, Vec::new(), Finish::Done).await.unwrap();
        assert_eq!(store.get(lease.seq).await.unwrap().unwrap().state, State::Done);
        ledger.note("done", lease.seq as usize - 1);
    }
    store.close().await.unwrap();
    let store = open();
    assert_eq!(listed(&store).await, stored);
    assert_eq!(store.claim(claim_of(10_000)).await.unwrap().len(), stored.len() - 4);
    println!("end");
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_and_loses_nothing() {
    let Some(disk) = Disk::new() else { return };
    let log = disk.record_of("disk::full::receiver", 0);
    let record = Record::read(&log);
    assert_eq!(record.told(usize::MAX).done.len(), 4);
    let found = after_cuts(&record, cuts(30), Random(4)).await;
    assert_eq!(found.faults, Vec::<String>::new());
}

/// On a real one, in memory. Only some may mount one.
#[test]
fn a_full_file_system_refuses_what_is_new_and_loses_nothing() {
    let folder = Folder::new();
    let mount =
        "mount -t tmpfs -o size=3m inbox \"$0\" && head -c 1800000 /dev/zero >\"$0/ballast\"";
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["-Urm", "sh", "-c"]);
        unshare
    };
    if !unshare().arg(mount).arg(&folder.0).output().is_ok_and(|output| output.status.success()) {
        let skipped =
            b"\nSKIPPED: no file system can be mounted; the test above is the same without one\n";
        std::io::stderr().write_all(skipped).unwrap();
        return;
    }
    let mut program = unshare();
    program.arg(format!("{mount} && exec \"$@\"")).arg(&folder.0);
    let mut child = Process::by(program, &folder, "disk::full::receiver");
    child.line_with("end");
    assert!(child.ended().success());
}

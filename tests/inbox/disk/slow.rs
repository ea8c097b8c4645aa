//! Slow syncs: there is one for each commit, and many deliveries share it.

use tower_webhook::inbox::SqliteOptions;

use super::{
    Answer, Ledger, file, order,
    record::{Record, Step},
    send,
    shim::Disk,
};

const COUNT: usize = 2_560;

async fn receive(store: SqliteOptions, count: usize) {
    let (store, ledger) = (store.open().unwrap(), Ledger::new());
    // What is synced from here on is not the opening.
    ledger.note("opened", 0);
    send(&store, &ledger, (0..count).collect(), Answer::WhenStored).await;
    println!("commits {}", store.commits());
    println!("end");
}

#[tokio::test]
#[ignore = "a part of the test below"]
async fn receiver() {
    receive(SqliteOptions::new(file()), COUNT).await;
}

#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver_of_one_at_a_time() {
    receive(SqliteOptions::new(file()).per_commit(1), 200).await;
}

#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver_that_does_not_sync() {
    order("swallow");
    receive(SqliteOptions::new(file()), 200).await;
}

/// How many commits a child makes, and how many syncs of its log. `None`: the test was skipped.
fn counted(test: &str, sync_delay_us: u32) -> Option<(usize, usize)> {
    let disk = Disk::new()?;
    let mut child = disk.child(test, sync_delay_us);
    let commits = child.line_with("commits ").trim().parse().unwrap();
    child.line_with("end");
    assert!(child.ended().success());
    let log = disk.record();
    let record = Record::read(&log);
    let (opened, last) = (record.lines().next().unwrap().0, record.lines().last().unwrap().0);
    let syncs = record.places("inbox.db-wal", |step| matches!(step, Step::Synced(_)));
    let syncs = syncs.iter().filter(|place| (opened..last).contains(place)).count();
    println!("{commits} commits, {syncs} syncs");
    Some((commits, syncs))
}

#[test]
fn many_deliveries_share_one_sync_and_each_commit_has_one() {
    // While a sync takes so long, the senders send again.
    let Some((commits, syncs)) = counted("disk::slow::receiver", 20_000) else { return };
    assert!(syncs >= commits && commits > 0);
    assert!(syncs * 100 <= COUNT * 4, "{syncs} syncs of {COUNT} deliveries");
}

/// The negative controls.
#[test]
fn commits_of_one_delivery_and_commits_without_a_sync_are_found_out() {
    let one_at_a_time = "disk::slow::receiver_of_one_at_a_time";
    let Some((_, syncs)) = counted(one_at_a_time, 2_000) else { return };
    assert!(syncs * 100 > 200 * 4, "{syncs} syncs");
    let without = "disk::slow::receiver_that_does_not_sync";
    let Some((commits, syncs)) = counted(without, 2_000) else { return };
    assert!(syncs < commits, "{commits} {syncs}");
}

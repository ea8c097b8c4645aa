//! `SqliteStore`: what its file keeps, and what it does when the file cannot be written.

#[cfg(target_os = "linux")]
mod faults;
mod files;
mod model;
mod operators;
mod processes;
mod writes;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use rusqlite::Connection;
use tower_webhook::{
    clock::ManualClock,
    error::InboxError,
    inbox::{
        Claim, Enqueued, Hash, Leased, NewDelivery, Record, SqliteOptions, SqliteStore, Store,
    },
};

/// A folder for one test, which is removed at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// In this folder, and not in the one for temporary files.
    pub(crate) fn below(parent: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tower-webhook-inbox-{}-{count}", std::process::id());
        let path = parent.join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    /// In memory, if there is such a thing and it has room: for tests in which real syncs would only take time.
    pub(crate) fn in_memory() -> Self {
        static HAS_ROOM: OnceLock<bool> = OnceLock::new();
        let memory = Path::new("/dev/shm");
        match HAS_ROOM.get_or_init(|| has_a_gib(memory)) {
            true => Self::below(memory),
            false => Self::new(),
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("inbox.db")
    }

    pub(crate) fn options(&self) -> SqliteOptions {
        SqliteOptions::new(self.file())
    }

    pub(crate) fn open(&self) -> SqliteStore {
        self.options().open().unwrap()
    }

    /// A user's connection to the file.
    fn user(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }

    /// The bytes of the log.
    fn wal(&self) -> u64 {
        fs::metadata(self.0.join("inbox.db-wal")).map_or(0, |wal| wal.len())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Whether this folder has so much room. In a container, what is in memory can have much less.
fn has_a_gib(folder: &Path) -> bool {
    let asked = Command::new("df").args(["-k", "--output=avail"]).arg(folder).output();
    let told = asked.map(|answer| answer.stdout).unwrap_or_default();
    let room =
        String::from_utf8_lossy(&told).lines().nth(1).and_then(|kib| kib.trim().parse().ok());
    room > Some(1_u64 << 20)
}

/// Where another process finds the path of its file.
pub(crate) const FILE: &str = "TOWER_WEBHOOK_INBOX_FILE";

/// This program once more, with one of its tests. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Through a shell, so that a write beyond the greatest size of files is an error, and not the end.
    pub(crate) fn start(folder: &Folder, test: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
        Self::by(shell, folder, test)
    }

    /// By a program that runs the command which its arguments are.
    pub(crate) fn by(mut program: Command, folder: &Folder, test: &str) -> Self {
        let mut child = program
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(FILE, folder.file())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// What comes after `mark`, when it comes.
    pub(crate) fn line_with(&mut self, mark: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "no `{mark}`");
            if let Some((_, rest)) = line.split_once(mark) {
                return rest.to_owned();
            }
        }
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const START: u64 = 1_700_000_000;

fn clock() -> ManualClock {
    ManualClock::at_unix_seconds(START)
}

fn hash(of: impl Into<u32>) -> Hash {
    let mut hash = [7; 32];
    hash[..4].copy_from_slice(&of.into().to_be_bytes());
    hash
}

/// A delivery of `source` with this number as its id and key.
pub(crate) fn delivery(source: &str, number: u32) -> NewDelivery {
    let body = Bytes::from(format!("body {number}"));
    let record = Record {
        source: source.into(),
        tenant: Some("tenant".into()),
        key_id: None,
        id: Some(number.to_string().into()),
        event_type: Some("a.b".into()),
        received_at: UNIX_EPOCH + Duration::from_secs(START),
        headers: Bytes::from_static(b"a: b\r\n"),
        digest: hash(number),
        body,
    };
    NewDelivery { record, key: Some(hash(number)), order_key: None }
}

fn claim_of(sources: &[&str], most: usize) -> Claim {
    let sources = sources.iter().map(|source| Arc::from(*source)).collect();
    Claim { sources, most, lease: Duration::from_secs(60) }
}

async fn claimed(store: &SqliteStore) -> Vec<Leased> {
    store.claim(claim_of(&["a"], 1_000)).await.unwrap()
}

async fn stored(store: &SqliteStore, number: u32) -> i64 {
    match store.enqueue(delivery("a", number)).await.unwrap() {
        Enqueued::New(seq) => seq,
        other => panic!("{other:?}"),
    }
}

fn is_unavailable<T>(result: &Result<T, InboxError>) -> bool {
    matches!(result, Err(InboxError::Unavailable(_)))
}

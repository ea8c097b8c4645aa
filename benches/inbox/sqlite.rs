//! SQLite: everyone has a file of its own.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{Connection, OpenFlags};
use tower_webhook::{
    BoxError,
    inbox::{Inbox, SqliteOptions, SqliteStore, Store},
};

use crate::{
    deliveries,
    door::{self, Contender, Door},
    effort::{Effort, disk},
    growth::{self, Grown},
    load::next,
    row,
    worker::keeps_up,
};

/// A folder on the disk of the build, or of `INBOX_BENCH_FOLDER`.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        let parent = env::var_os("INBOX_BENCH_FOLDER")
            .map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
        let path = parent.join(format!("inbox-{}-{}", std::process::id(), next()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self) -> PathBuf {
        self.0.join("inbox.db")
    }

    /// Without limits that could be met here.
    fn options(&self) -> SqliteOptions {
        SqliteOptions::new(self.file()).max_open(1 << 40).max_bytes(1 << 60)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

pub(crate) async fn door(effort: Effort) -> Result<(), BoxError> {
    let contender = |name, per_commit: Option<usize>, through_inbox| Contender {
        name,
        open: Box::new(move || {
            Box::pin(async move { open(per_commit, through_inbox).expect("a file") })
        }),
    };
    let contenders = [
        contender("group commit", None, false),
        contender("one transaction each", Some(1), false),
        contender("group commit, layer and inbox", None, true),
    ];
    door::compare(&format!("sqlite {}", disk()), effort, &contenders).await;
    Ok(())
}

fn open(per_commit: Option<usize>, through_inbox: bool) -> Result<Door, BoxError> {
    let folder = Folder::new()?;
    let options = folder.options();
    let store = match per_commit {
        Some(most) => options.per_commit(most),
        None => options,
    }
    .open()?;
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let send = match through_inbox {
        true => deliveries::to_inbox(&Inbox::shared(shared.clone())),
        false => deliveries::to_store(shared.clone()),
    };
    let close = async move {
        shared.close().await.expect("all is written");
        drop(folder);
    };
    Ok(Door { send, commits: Box::new(move || Some(store.commits())), close: Box::pin(close) })
}

pub(crate) async fn worker(effort: Effort) -> Result<(), BoxError> {
    keeps_up(&format!("sqlite {} worker", disk()), effort, &|| {
        let folder = Folder::new().expect("a folder");
        let store = folder.options().open().expect("a file");
        Box::pin(async { (Arc::new(store) as Arc<dyn Store>, folder) })
    })
    .await;
    Ok(())
}

/// A file that grows.
struct Large {
    store: SqliteStore,
    folder: Folder,
}

impl Large {
    fn new() -> Result<Self, BoxError> {
        let folder = Folder::new()?;
        Ok(Self { store: folder.options().open()?, folder })
    }

    fn number(&self, sql: &str) -> Result<f64, BoxError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let reader = Connection::open_with_flags(self.folder.file(), flags)?;
        Ok(reader.query_row(sql, [], |row| row.get(0))?)
    }
}

impl Grown for Large {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    /// Of all pages, those in the log included.
    async fn bytes(&self) -> Result<f64, BoxError> {
        self.number("SELECT page_count * page_size * 1.0 FROM pragma_page_count, pragma_page_size")
    }

    async fn bodies(&self) -> Result<f64, BoxError> {
        self.number("SELECT sum(pgsize) * 1.0 FROM dbstat WHERE name = 'inbox_payload'")
    }

    /// The largest that the log was: it begins anew in the same file.
    async fn log(&self) -> Result<f64, BoxError> {
        let mut path = self.folder.file().into_os_string();
        path.push("-wal");
        Ok(fs::metadata(path)?.len() as f64)
    }
}

pub(crate) async fn growth(effort: Effort) -> Result<(), BoxError> {
    const WORK: &str = "sqlite growth";
    let (full, empty) = (Large::new()?, Large::new()?);
    growth::fill(WORK, effort, &full, &empty).await?;
    growth::compare(WORK, effort, &full, &empty).await?;
    growth::purge(WORK, &full, &empty).await?;
    row(WORK, "largest log", full.log().await?);
    full.store.close().await?;
    empty.store.close().await?;
    Ok(())
}

//! The file of a store, and its connections.

use std::{
    fs::OpenOptions,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Result};

use super::{migrate::migrate, sql::Sql};
use crate::error::ConfigError;

/// How long a connection waits while another one writes.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// How long to wait for a process that is about to end.
const OWNED: Duration = Duration::from_secs(3);
/// The oldest that keeps what it has promised when its log begins anew: 3.51.3.
const OLDEST: i32 = 3_051_003;
/// What is looked through whole when it is opened. Of a larger file, it is the queue alone.
const SMALL: i64 = 64 << 20;

/// Where a store is.
#[derive(Clone, Debug)]
pub(super) struct File {
    path: PathBuf,
}

impl File {
    /// The file at this path. If there is none, then it is made when it is opened first.
    pub(super) fn at(path: &Path) -> Result<Self, ConfigError> {
        is_safe(rusqlite::version_number())?;
        // Two names of one file must not have two locks, and a name must stay the same when the process changes its folder.
        if let Ok(path) = path.canonicalize() {
            return Ok(Self { path });
        }
        let Some(name) = path.file_name() else {
            return Err(ConfigError::new(format!("`{}` is no name of a file", path.display())));
        };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let folder = folder.canonicalize().map_err(|error| {
            let text = format!("there is no folder `{}` for the inbox: make it", folder.display());
            ConfigError::new(text).caused_by(error)
        })?;
        Ok(Self { path: folder.join(name) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file whose name has this behind that of the store.
    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// A lock that this process holds as long as the connection is open. The file itself cannot be locked: a user's own
    /// connections, and those of tools, may write to it.
    pub(super) fn owner(&self) -> Result<Connection, ConfigError> {
        let path = self.beside("-owner");
        let owner = Connection::open_with_flags(path, flags(true)).map_err(|e| self.failed(e))?;
        owner
            .busy_timeout(OWNED)
            .and_then(|()| owner.execute_batch("BEGIN EXCLUSIVE"))
            .map_err(|error| self.failed(error))?;
        Ok(owner)
    }

    /// A connection whose commits are on stable storage, and of whose file that is true which can be checked.
    pub(super) fn writer(&self) -> Result<Connection, ConfigError> {
        let mut writer = self.durable()?;
        writer.execute_batch("PRAGMA cache_size = -65536").map_err(|error| self.failed(error))?;
        migrate(&mut writer, |error| self.failed(error))?;
        match faults(&writer) {
            Ok(fault) if fault == "ok" => Ok(writer),
            Ok(fault) => Err(self.damaged().caused_by(fault)),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Writes once more what the log of a former process has, and syncs it. If the last sync of that process failed, then the
    /// system takes for written what may never have reached the disk. While the log is moved, it alone can repair the file.
    pub(super) fn renew_log(&self, writer: Sql<'_>) -> Result<(), ConfigError> {
        let path = self.beside("-wal");
        // Nobody appends to it meanwhile.
        writer.execute("BEGIN IMMEDIATE", []).map_err(|error| self.failed(error))?;
        let renewed = rewrite(&path);
        writer.execute("ROLLBACK", []).map_err(|error| self.failed(error))?;
        renewed.map_err(|error| {
            let text = format!("the log `{}` cannot be written: check the disk", path.display());
            ConfigError::new(text).caused_by(error)
        })
    }

    /// A connection that writes, to the log or from it.
    pub(super) fn durable(&self) -> Result<Connection, ConfigError> {
        let open = || {
            let connection = Connection::open_with_flags(&self.path, flags(true))?;
            connection.busy_timeout(BUSY)?;
            let settings = durable(&connection)?;
            Ok((connection, settings))
        };
        match open().map_err(|error| self.failed(error))? {
            (connection, (journal, FULL)) if journal == "wal" => Ok(connection),
            (_, (journal, synchronous)) => Err(ConfigError::new(format!(
                "`{}` cannot be written safely: SQLite keeps the journal mode `{journal}` and synchronous = {synchronous} \
                 instead of `wal` and {FULL}: use a local file system, and close other programs that have the file",
                self.path.display()
            ))),
        }
    }

    /// A connection that only reads.
    pub(super) fn reader(&self) -> Result<Connection> {
        let reader = Connection::open_with_flags(&self.path, flags(false))?;
        reader.busy_timeout(BUSY)?;
        Ok(reader)
    }

    /// What to do about an error.
    pub(super) fn failed(&self, error: rusqlite::Error) -> ConfigError {
        let path = self.path.display();
        let text = match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                format!("`{path}` is no SQLite database, or it is encrypted: use another path")
            }
            Some(ErrorCode::DatabaseCorrupt) => return self.damaged().caused_by(error),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => format!(
                "another process has `{path}` open: end it first, or give each process a file of its own"
            ),
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                format!(
                    "`{path}` cannot be opened to write: let this process write it and its folder"
                )
            }
            Some(ErrorCode::DiskFull) => {
                format!("there is no room on the disk of `{path}`: make some")
            }
            Some(ErrorCode::SystemIoFailure) => {
                format!("the disk of `{path}` fails, or is full: check it")
            }
            _ => format!("`{path}` cannot be opened"),
        };
        ConfigError::new(text).caused_by(error)
    }

    fn damaged(&self) -> ConfigError {
        let path = self.path.display();
        ConfigError::new(format!(
            "`{path}` is damaged: move it away, and save what it holds by `sqlite3 {path} .recover`"
        ))
    }
}

/// Writes each byte of a file where it is.
fn rewrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let (mut part, mut at) = (vec![0; 1 << 20], 0);
    loop {
        let length = file.read(&mut part)?;
        if length == 0 {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        file.write_all(part.get(..length).unwrap_or_default())?;
        at = file.stream_position()?;
    }
    if at > 0 { file.sync_all() } else { Ok(()) }
}

/// What `PRAGMA synchronous` says then: each commit waits for the disk.
const FULL: i64 = 2;

/// Makes commits wait for the disk. Returns the settings that are in force now.
fn durable(connection: &Connection) -> Result<(String, i64)> {
    let sql = Sql::new(connection);
    let journal = sql.one("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1; PRAGMA wal_autocheckpoint = 0",
    )?;
    Ok((journal.unwrap_or_default(), sql.number("PRAGMA synchronous")?))
}

/// `ok`, or the first fault that is found in a short time.
fn faults(connection: &Connection) -> Result<String> {
    let sql = Sql::new(connection);
    let size = sql.number("PRAGMA page_count")?.saturating_mul(sql.number("PRAGMA page_size")?);
    let check =
        if size <= SMALL { "PRAGMA quick_check(1)" } else { "PRAGMA quick_check(inbox_queue)" };
    Ok(sql.one(check, [], |row| row.get(0))?.unwrap_or_default())
}

/// Names are those of files, and never URIs. Each connection is used by one thread at a time.
fn flags(writes: bool) -> OpenFlags {
    let mode = match writes {
        true => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        false => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    mode | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn is_safe(version: i32) -> Result<(), ConfigError> {
    if version >= OLDEST {
        return Ok(());
    }
    Err(ConfigError::new(format!(
        "SQLite {}.{}.{} can lose what it has written: build with rusqlite 0.39 or newer and its feature `bundled`, which \
         bring 3.51.3",
        version / 1_000_000,
        version / 1_000 % 1_000,
        version % 1_000
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsafe_sqlite_is_refused() {
        assert!(is_safe(3_051_003).is_ok());
        let refused = is_safe(3_051_002).unwrap_err().to_string();
        assert!(refused.starts_with("SQLite 3.51.2 can lose what it has written: "), "{refused}");
    }
}

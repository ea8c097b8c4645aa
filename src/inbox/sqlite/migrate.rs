//! The versions of the schema: a file is brought to the newest when it is opened.

use rusqlite::{Connection, Error, ErrorCode, Result, TransactionBehavior};

use super::sql::Sql;
use crate::error::ConfigError;

/// A step for each version: the first makes a new file, each further one changes a file of the version before.
const STEPS: [&str; 1] = [include_str!("schema.sql")];

/// Brings the file to the newest version, in one transaction. `failed` says what to do about an error that is not one of the
/// schema.
pub(super) fn migrate(
    connection: &mut Connection,
    failed: impl FnOnce(Error) -> ConfigError,
) -> Result<(), ConfigError> {
    match migrated(connection) {
        Ok(version) if version > STEPS.len() => Err(ConfigError::new(format!(
            "the inbox in this file has the schema {version}, and this version of the crate knows none after {}: use the \
             version of the crate that made it, or a newer one",
            STEPS.len()
        ))),
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code().is_some_and(|code| code != ErrorCode::Unknown) => {
            Err(failed(error))
        }
        Err(error) => Err(ConfigError::new(
            "the schema of the inbox cannot be made or read: the file is damaged, or has other tables with its names",
        )
        .caused_by(error)),
    }
}

/// The version that the file has now.
fn migrated(connection: &mut Connection) -> Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = Sql::new(&transaction);
    // Not `PRAGMA user_version`: that belongs to the migrations of a user who has tables in the same file.
    sql.execute("CREATE TABLE IF NOT EXISTS inbox_version(version INTEGER NOT NULL) STRICT", [])?;
    let version: usize = sql
        .one("SELECT version FROM inbox_version", [], |row| row.get::<_, u32>(0))?
        .map_or(0, |version| version as usize);
    let Some(steps) = STEPS.get(version..).filter(|steps| !steps.is_empty()) else {
        return Ok(version);
    };
    for step in steps {
        transaction.execute_batch(step)?;
    }
    sql.execute("DELETE FROM inbox_version", [])?;
    sql.execute("INSERT INTO inbox_version VALUES (?1)", [STEPS.len() as i64])?;
    transaction.commit()?;
    Ok(STEPS.len())
}

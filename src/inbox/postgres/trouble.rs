//! `Trouble`: why a statement failed, and what that says about its effect.

use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::error::{InboxError, with_causes};

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The connection was lost, or there was no answer: nobody knows whether it was done.
    Lost(String),
    /// The server refused. Nothing was done.
    Refused(String),
    /// The same, and one part of a batch may be the cause: somebody else who holds its row, or its value.
    RefusedForOne(String),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            None => Self::Lost(text(&error)),
            Some(refusal) if refusal.parsed_severity() != Some(Severity::Error) => {
                Self::Lost(text(&error))
            }
            Some(refusal) if may_be_of_one(refusal) => Self::RefusedForOne(text(&error)),
            Some(_) => Self::Refused(text(&error)),
        }
    }
}

impl From<Trouble> for InboxError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Lost(why) | Trouble::Refused(why) | Trouble::RefusedForOne(why) => {
                Self::unavailable(why)
            }
        }
    }
}

fn may_be_of_one(refusal: &DbError) -> bool {
    let conflicts = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ];
    let class = refusal.code().code().get(..2).unwrap_or_default();
    // Data exception, integrity constraint violation, program limit exceeded.
    conflicts.contains(refusal.code()) || ["22", "23", "54"].contains(&class)
}

/// The error for the operator. Without the details of a refusal, which can hold the values of a row.
pub(super) fn text(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(refusal) => format!("{} (SQLSTATE {})", refusal.message(), refusal.code().code()),
        None => with_causes(error),
    }
}

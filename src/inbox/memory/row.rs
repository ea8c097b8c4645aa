//! A delivery in memory.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use crate::inbox::{DeadReason, Hash, Record, State, Stored, time::time};

pub(super) struct Row {
    pub(super) record: Record,
    pub(super) order_key: Option<Hash>,
    pub(super) state: State,
    /// When it may be claimed, if it is ready. When its lease ends, if it is leased.
    pub(super) due_at: i64,
    pub(super) token: i64,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) has_begun: bool,
    pub(super) settled: BTreeMap<u32, bool>,
    pub(super) error: Option<Arc<str>>,
    pub(super) reason: Option<DeadReason>,
    pub(super) finished_at: Option<i64>,
    pub(super) is_purged: bool,
}

impl Row {
    pub(super) fn new(record: Record, order_key: Option<Hash>, now: i64) -> Self {
        Self {
            record,
            order_key,
            state: State::Ready,
            due_at: now,
            token: 0,
            attempts: 0,
            crashes: 0,
            has_begun: false,
            settled: BTreeMap::new(),
            error: None,
            reason: None,
            finished_at: None,
            is_purged: false,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Ready | State::Leased)
    }

    pub(super) fn end(&mut self, state: State, now: i64) {
        (self.state, self.finished_at) = (state, Some(now));
    }

    pub(super) fn purge(&mut self) {
        self.is_purged = true;
        (self.record.headers, self.record.body) = (Bytes::new(), Bytes::new());
    }

    pub(super) fn stored(&self, seq: i64, record: Record) -> Stored {
        Stored {
            seq,
            record,
            state: self.state,
            attempts: self.attempts,
            error: self.error.clone(),
            reason: self.reason,
            finished_at: self.finished_at.map(time),
        }
    }
}

//! `Entry`: one event as it is in the body, the handler that takes it, and how far its handling is.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;

use super::{
    queues::Slot,
    routes::{RouteId, Routes},
};
use crate::{RawEvent, decode::DecodeError};

/// An event as it is in the body, and how far its handling is. It is small, because there can be many.
pub(super) struct Entry {
    pub(super) range: Range<usize>,
    pub(super) matched: Matched,
    pub(super) progress: Progress,
}

pub(super) enum Matched {
    /// A handler is registered for its type, and it fits that type.
    Known(RouteId),
    Unmatched(Box<Unmatched>),
}

/// An event that has no type, whose type has no handler, or that does not fit its type.
pub(super) struct Unmatched {
    pub(super) name: Option<Arc<str>>,
    pub(super) error: Option<DecodeError>,
}

#[derive(Clone, Copy)]
pub(super) enum Progress {
    /// It waits for its handler, or is being handled. The number is its index among the events of that handler.
    Open(usize),
    /// No handler takes it.
    Unhandled,
    Skipped,
    TimedOut,
    Panicked,
}

impl Entry {
    pub(super) fn raw<S>(&self, routes: &Routes<S>, body: &Bytes) -> RawEvent {
        let (event_type, json) = (self.name(routes).cloned(), body.slice(self.range.clone()));
        RawEvent { event_type, json, error: self.error() }
    }

    pub(super) fn name<'a, S>(&'a self, routes: &'a Routes<S>) -> Option<&'a Arc<str>> {
        match &self.matched {
            Matched::Known(route) => Some(routes.name(*route)),
            Matched::Unmatched(unmatched) => unmatched.name.as_ref(),
        }
    }

    pub(super) fn slot(&self, index: usize) -> Slot {
        let route = match self.matched {
            Matched::Known(route) => Some(route),
            Matched::Unmatched(_) => None,
        };
        Slot { route, index }
    }

    pub(super) fn error(&self) -> Option<DecodeError> {
        match &self.matched {
            Matched::Known(_) => None,
            Matched::Unmatched(unmatched) => unmatched.error.clone(),
        }
    }
}

//! `Entry`: one event as it is in the body, the handler that takes it, and how far its handling is.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;

use super::{
    queues::Slot,
    routes::{RouteId, Routes},
};
use crate::{RawEvent, decode::DecodeError};

/// An event as it stands in the body, and what is to become of it. Small: there may be many.
pub(super) struct Entry {
    pub(super) range: Range<usize>,
    pub(super) matched: Matched,
    pub(super) progress: Progress,
}

pub(super) enum Matched {
    /// The route has its name, and it fits.
    Known(RouteId),
    Unmatched(Box<Unmatched>),
}

/// An event that no handler knows, or that does not fit.
pub(super) struct Unmatched {
    pub(super) name: Option<Arc<str>>,
    pub(super) error: Option<DecodeError>,
}

#[derive(Clone, Copy)]
pub(super) enum Progress {
    /// Its handler's turn comes, or is now: its index among the events of that handler.
    Open(usize),
    /// No handler will see it.
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

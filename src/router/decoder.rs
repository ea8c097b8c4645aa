//! Turns the elements of a body into the entries and queues of a batch.

use std::{borrow::Cow, ops::Range, sync::Arc};

use bytes::Bytes;

use super::{
    entry::{Entry, Matched, Progress, Unmatched},
    queues::Slot,
    routes::{RouteId, Routes},
    spare::Lists,
};
use crate::{
    decode::{Cursor, DecodeError, Decoded, Sink, Watch},
    util::{panics::contained, reserve::Share},
};

/// Turns the elements of a body into the entries of a batch.
pub(super) struct Decoder<'r, S> {
    routes: &'r Routes<S>,
    body: &'r Bytes,
    pub(super) lists: Lists<S>,
}

impl<'r, S> Decoder<'r, S> {
    pub(super) fn new(routes: &'r Routes<S>, body: &'r Bytes) -> Self {
        Self { routes, body, lists: routes.spare.take() }
    }

    /// Adds an event that only the fallback takes, if there is one.
    fn unmatched(
        &mut self,
        range: Range<usize>,
        name: Option<Arc<str>>,
        error: Option<DecodeError>,
    ) {
        let matched = Matched::Unmatched(Box::new(Unmatched { name, error }));
        let mut entry = Entry { range, matched, progress: Progress::Unhandled };
        let event = || entry.raw(self.routes, self.body);
        let share = self.share_so_far();
        entry.progress = match contained(|| self.lists.queues.push(self.routes, share, event)) {
            Some(Some(index)) => Progress::Open(index),
            Some(None) => Progress::Unhandled,
            None => Progress::Panicked,
        };
        self.push(entry);
    }

    #[inline]
    fn push(&mut self, entry: Entry) {
        self.share(entry.range.end).reserve(&mut self.lists.events);
        self.lists.events.push(entry);
    }

    /// The part of the body in front of the event that is read now.
    #[inline]
    fn share_so_far(&self) -> Share {
        self.share(self.lists.events.last().map_or(0, |entry| entry.range.end))
    }

    #[inline]
    fn share(&self, read: usize) -> Share {
        Share { read, all: self.body.len(), most: self.routes.max_events }
    }
}

impl<'b, S> Sink<'b> for Decoder<'_, S> {
    type Route = RouteId;
    type Event = Progress;

    fn route(&self, event_type: &str) -> Option<RouteId> {
        self.routes.find(event_type)
    }

    fn name(&self, route: RouteId) -> &str {
        self.routes.name(route)
    }

    fn max_depth(&self) -> usize {
        self.routes.max_depth
    }

    fn max_events(&self) -> usize {
        self.routes.max_events
    }

    fn decode(
        &mut self,
        route: RouteId,
        at: &mut Cursor<'b>,
        watch: Option<&Watch<'_>>,
    ) -> Result<Decoded<Self::Event>, DecodeError> {
        let share = self.share_so_far();
        if !at.is_careful() {
            return Ok(self
                .lists
                .queues
                .decode(self.routes, route, share, at, watch)?
                .map(Progress::Open));
        }
        let mut ahead = at.clone();
        match contained(|| self.lists.queues.decode(self.routes, route, share, &mut ahead, None)) {
            Some(decoded) => {
                *at = ahead;
                Ok(decoded?.map(Progress::Open))
            }
            None => at.pass().map(|()| Decoded::Fits(Progress::Panicked)),
        }
    }

    fn discard(&mut self, route: RouteId, event: Progress) {
        if let Progress::Open(index) = event {
            self.lists.queues.discard(Slot { route: Some(route), index });
        }
    }

    fn clear(&mut self) {
        self.lists = Lists::new();
    }

    #[inline]
    fn known(&mut self, range: Range<usize>, route: RouteId, event: Decoded<Self::Event>) {
        match event {
            Decoded::Fits(progress) => {
                self.push(Entry { range, matched: Matched::Known(route), progress });
            }
            Decoded::Misfit(error) => {
                self.unmatched(range, Some(self.routes.name(route).clone()), Some(error));
            }
        }
    }

    fn unknown(
        &mut self,
        range: Range<usize>,
        event_type: Result<Option<Cow<'b, str>>, DecodeError>,
    ) {
        match event_type {
            Ok(name) => self.unmatched(range, name.map(Into::into), None),
            Err(error) => self.unmatched(range, None, Some(error)),
        }
    }
}

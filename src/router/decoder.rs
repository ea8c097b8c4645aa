//! Turns the elements of a body into the entries and queues of a batch.

use std::{borrow::Cow, ops::Range, sync::Arc};

use bytes::Bytes;

use super::{
    batch::{Entry, Kind, Odd, Step},
    queues::{Lanes, Seat},
    routes::{RouteId, Routes},
};
use crate::{
    decode::{Cursor, DecodeError, Sink},
    util::panics::contained,
};

/// Turns the elements of a body into the entries of a batch.
pub(super) struct Decoder<'r, S> {
    routes: &'r Routes<S>,
    body: &'r Bytes,
    pub(super) events: Vec<Entry>,
    pub(super) lanes: Lanes<S>,
}

impl<'r, S> Decoder<'r, S> {
    pub(super) fn new(routes: &'r Routes<S>, body: &'r Bytes) -> Self {
        Self { routes, body, events: Vec::with_capacity(8), lanes: Lanes::new() }
    }

    /// Keeps an event that no handler takes.
    fn odd(&mut self, range: Range<usize>, name: Option<Arc<str>>, error: Option<DecodeError>) {
        let kind = Kind::Odd(Box::new(Odd { name, error }));
        let mut entry = Entry { range, kind, step: Step::Unhandled };
        let event = || entry.raw(self.routes, self.body);
        entry.step = match contained(|| self.lanes.push(self.routes, event)) {
            Some(Some(index)) => Step::Open(index),
            Some(None) => Step::Unhandled,
            None => Step::Panicked,
        };
        self.events.push(entry);
    }
}

impl<'b, S> Sink<'b> for Decoder<'_, S> {
    type Route = RouteId;
    type Event = Step;

    fn route(&self, kind: &str) -> Option<RouteId> {
        self.routes.find(kind)
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
    ) -> Result<Result<Self::Event, DecodeError>, DecodeError> {
        if !at.is_careful() {
            return Ok(self.lanes.decode(self.routes, route, at)?.map(Step::Open));
        }
        let mut ahead = at.clone();
        match contained(|| self.lanes.decode(self.routes, route, &mut ahead)) {
            Some(decoded) => {
                *at = ahead;
                Ok(decoded?.map(Step::Open))
            }
            None => at.pass().map(|()| Ok(Step::Panicked)),
        }
    }

    fn discard(&mut self, route: RouteId, event: Step) {
        if let Step::Open(index) = event {
            self.lanes.discard(Seat { route: Some(route), index });
        }
    }

    fn clear(&mut self) {
        self.events.clear();
        self.lanes = Lanes::new();
    }

    #[inline]
    fn known(
        &mut self,
        range: Range<usize>,
        route: RouteId,
        event: Result<Self::Event, DecodeError>,
    ) {
        match event {
            Ok(step) => self.events.push(Entry { range, kind: Kind::Known(route), step }),
            Err(error) => self.odd(range, Some(self.routes.name(route).clone()), Some(error)),
        }
    }

    fn unknown(&mut self, range: Range<usize>, kind: Result<Option<Cow<'b, str>>, DecodeError>) {
        match kind {
            Ok(name) => self.odd(range, name.map(Into::into), None),
            Err(error) => self.odd(range, None, Some(error)),
        }
    }
}

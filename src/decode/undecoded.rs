//! Finds the events of a body and decodes no payload.

use std::{borrow::Cow, convert::Infallible, ops::Range};

use super::{Cursor, DecodeError, Decoded, Element, reader::Sink, watch::Watch};

/// Has a route for no type, so every event is unknown, and no payload is decoded: for callers that only want to know where
/// the events are, and for the second reading in `Envelope::read`. Its routes are `Infallible`: there can be no value, so
/// the compiler sees that the methods for known events are never called.
pub(super) struct Undecoded<F> {
    pub(super) max_depth: usize,
    pub(super) max_events: usize,
    pub(super) found: F,
}

impl<'b, F: FnMut(Element<'b>)> Sink<'b> for Undecoded<F> {
    type Route = Infallible;
    type Event = Infallible;

    fn route(&self, _: &str) -> Option<Infallible> {
        None
    }

    fn name(&self, route: Infallible) -> &str {
        match route {}
    }

    fn max_depth(&self) -> usize {
        self.max_depth
    }

    fn max_events(&self) -> usize {
        self.max_events
    }

    fn decode(
        &mut self,
        route: Infallible,
        _: &mut Cursor<'b>,
        _: Option<&Watch<'_>>,
    ) -> Result<Decoded<Infallible>, DecodeError> {
        match route {}
    }

    fn discard(&mut self, route: Infallible, _: Infallible) {
        match route {}
    }

    fn clear(&mut self) {}

    fn known(&mut self, _: Range<usize>, route: Infallible, _: Decoded<Infallible>) {
        match route {}
    }

    fn unknown(
        &mut self,
        range: Range<usize>,
        event_type: Result<Option<Cow<'b, str>>, DecodeError>,
    ) {
        (self.found)(Element { event_type: event_type.unwrap_or_default(), range });
    }
}

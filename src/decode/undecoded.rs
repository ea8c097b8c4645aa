//! Finds the events of a body and leaves them as they are.

use std::{borrow::Cow, convert::Infallible, ops::Range};

use super::{Cursor, DecodeError, Decoded, Element, reader::Sink};

/// Wants no type of event: nothing is decoded, each event is shown to `found`.
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

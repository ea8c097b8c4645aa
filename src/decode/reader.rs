//! Reads a whole body: the outer object, its list of events, and each event of it.

use std::{borrow::Cow, ops::Range};

use super::{
    Cursor, DecodeError, Decoded, Element, Envelope, MAX_DEPTH, Members,
    envelope::{Layout, Shape},
    flat,
    lists::Nesting,
    undecoded::Undecoded,
    watch::Watch,
};
use crate::util::panics::contained;

impl Envelope {
    /// Reads the whole of `body`, showing each event to `sink`. Returns the outer object's other members.
    ///
    /// Payloads are decoded in place: that is fast, and right for all types but two kinds. If a `Deserialize`
    /// implementation hides an error, then it stops in the middle of its payload, and the text behind it is unreadable.
    /// Others panic. So if the first reading fails, the body is read a second time without decoding anything. If the body
    /// itself is at fault, then that fails too. If not, then a type is at fault, and the body is read a third time,
    /// carefully: the end of each payload is found before it is decoded.
    pub(crate) fn read<'b, S: Sink<'b>>(
        &self,
        body: &'b [u8],
        sink: &mut S,
    ) -> Result<Members<'b>, DecodeError> {
        let start = start(body)?;
        if let Some(Ok(outer)) = contained(|| self.read_from(start.clone(), sink)) {
            return Ok(outer);
        }
        sink.clear();
        let (max_depth, max_events) = (sink.max_depth(), sink.max_events());
        let mut outline = Undecoded { max_depth, max_events, found: |_| {} };
        self.read_from(start.clone(), &mut outline).map_err(|error| error.of_body(body))?;
        self.read_from(start.carefully(), sink)
    }

    /// Reads the whole of `body` without decoding anything, showing each event to `found`.
    pub(crate) fn find<'b>(
        &self,
        body: &'b [u8],
        found: impl FnMut(Element<'b>),
    ) -> Result<Members<'b>, DecodeError> {
        let mut sink = Undecoded { max_depth: MAX_DEPTH, max_events: usize::MAX, found };
        self.read_from(start(body)?, &mut sink).map_err(|error| error.of_body(body))
    }

    fn read_from<'b, S: Sink<'b>>(
        &self,
        mut at: Cursor<'b>,
        sink: &mut S,
    ) -> Result<Members<'b>, DecodeError> {
        let mut reader = Reader::new(self, sink);
        let outer = match self.list(self.outer_lists.len()) {
            None => reader.elements(&mut at).map(|()| Members::new(self.camel_case))?,
            Some(list) => reader.outermost(list, &mut at)?,
        };
        match at.peek() {
            None => Ok(outer),
            Some(_) => Err(at.error("has text after its end")),
        }
    }
}

/// The position of the first byte of JSON.
fn start(body: &[u8]) -> Result<Cursor<'_>, DecodeError> {
    let text = std::str::from_utf8(body)
        .map_err(|e| DecodeError::new(e.valid_up_to(), "is not UTF-8").of_body(body))?;
    Ok(Cursor::new(text, if text.starts_with('\u{feff}') { 3 } else { 0 }))
}

/// Takes each event while the body is read.
pub(crate) trait Sink<'b> {
    /// A type of events that has a handler.
    type Route: Copy;
    /// An event that was decoded.
    type Event;

    /// The route of this type. `None`: it has no handler.
    fn route(&self, event_type: &str) -> Option<Self::Route>;

    /// The type that the route was found by.
    fn name(&self, route: Self::Route) -> &str;

    /// The maximum depth of an event, and of each member beside the list of events.
    fn max_depth(&self) -> usize;

    /// The maximum number of events.
    fn max_events(&self) -> usize;

    /// Decodes the payload at `at`, and moves `at` to its end whether it fits or not. `watch` counts members of the payload.
    fn decode(
        &mut self,
        route: Self::Route,
        at: &mut Cursor<'b>,
        watch: Option<&Watch<'_>>,
    ) -> Result<Decoded<Self::Event>, DecodeError>;

    /// Drops an event that was decoded and turns out to be invalid.
    fn discard(&mut self, route: Self::Route, event: Self::Event);

    /// Forgets all events so far: the body will be read again.
    fn clear(&mut self);

    /// Takes an event that has a handler. It has been read to its end.
    fn known(&mut self, range: Range<usize>, route: Self::Route, event: Decoded<Self::Event>);

    /// Takes an event without a handler, or an element that is no event. An error: it has its type twice.
    fn unknown(
        &mut self,
        range: Range<usize>,
        event_type: Result<Option<Cow<'b, str>>, DecodeError>,
    );
}

pub(super) struct Reader<'r, S> {
    pub(super) envelope: &'r Envelope,
    pub(super) sink: &'r mut S,
    /// The number of events so far.
    pub(super) count: usize,
    pub(super) nesting: Nesting,
}

impl<'r, 'b, S: Sink<'b>> Reader<'r, S> {
    fn new(envelope: &'r Envelope, sink: &'r mut S) -> Self {
        Self { envelope, sink, count: 0, nesting: Nesting::default() }
    }

    fn elements(&mut self, at: &mut Cursor<'b>) -> Result<(), DecodeError> {
        match at.peek() {
            _ if matches!(self.envelope.layout, Layout::Named(_)) => self.element(at),
            Some(b'[') => self.list(at),
            Some(b'{') => self.element(at),
            _ => {
                let start = at.start();
                at.pass()?;
                Err(DecodeError::new(start, "is no object and no list"))
            }
        }
    }

    pub(super) fn list(&mut self, at: &mut Cursor<'b>) -> Result<(), DecodeError> {
        let mut more = at.open(b'[', b']')?;
        while more {
            self.element(at)?;
            more = at.more(b']')?;
        }
        Ok(())
    }

    fn element(&mut self, at: &mut Cursor<'b>) -> Result<(), DecodeError> {
        let start = at.start();
        match (at.peek(), &self.envelope.layout) {
            (Some(b'{'), Layout::Adjacent { event_type, data, straight }) => {
                self.adjacent([event_type, data], *straight, at)
            }
            (Some(b'{'), Layout::Flat { event_type, beside }) => {
                self.flat(flat::Keys { event_type, beside: beside.as_ref() }, at)
            }
            (Some(b'{'), Layout::Shape(Shape(of))) => {
                let members = Members::read(at, self.envelope.camel_case)?;
                let event_type = contained(|| of(&members)).ok_or_else(|| {
                    DecodeError::new(start, "has an element for which `Envelope::shape` panicked")
                })?;
                match event_type.filter(|event_type| event_type.len() <= Envelope::MAX_TYPE) {
                    Some(event_type) => self.rewound(event_type, start, at),
                    None => self.unknown(start, at, Ok(None)),
                }
            }
            (_, Layout::Named(Some(event_type))) => self.named(event_type, at),
            _ => {
                at.pass()?;
                self.unknown(start, at, Ok(None))
            }
        }
    }

    /// Reads one event whose type is not in the body.
    fn named(&mut self, event_type: &str, at: &mut Cursor<'b>) -> Result<(), DecodeError> {
        let start = at.start();
        if let Some(route) = self.sink.route(event_type) {
            let event = self.sink.decode(route, at, None)?;
            return self.known(start, at, route, event);
        }
        at.pass()?;
        self.unknown(start, at, Ok(Some(Cow::Owned(event_type.to_owned()))))
    }

    /// Drops an event that was decoded and turns out to be invalid.
    pub(super) fn discard(&mut self, route: S::Route, event: Decoded<S::Event>) {
        if let Decoded::Fits(event) = event {
            self.sink.discard(route, event);
        }
    }

    /// Decodes the object from its start, now that its type is known.
    pub(super) fn rewound(
        &mut self,
        event_type: Cow<'b, str>,
        start: usize,
        at: &Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let Some(route) = self.sink.route(&event_type) else {
            return self.unknown(start, at, Ok(Some(event_type)));
        };
        let event = self.sink.decode(route, &mut at.moved(start), None)?;
        self.known(start, at, route, event)
    }

    #[inline]
    pub(super) fn known(
        &mut self,
        start: usize,
        end: &Cursor<'b>,
        route: S::Route,
        event: Decoded<S::Event>,
    ) -> Result<(), DecodeError> {
        self.one_more(start, end)?;
        let event =
            event.map_misfit(|error| error.within(Some(self.sink.name(route)), &self.path()));
        self.count += 1;
        self.sink.known(start..end.position(), route, event);
        Ok(())
    }

    pub(super) fn unknown(
        &mut self,
        start: usize,
        end: &Cursor<'b>,
        event_type: Result<Option<Cow<'b, str>>, DecodeError>,
    ) -> Result<(), DecodeError> {
        self.one_more(start, end)?;
        let event_type = event_type.map_err(|error| error.within(None, &self.path()));
        self.count += 1;
        self.sink.unknown(start..end.position(), event_type);
        Ok(())
    }

    /// Checks the limits for one more event, which has been read from `start` to `end`.
    #[inline]
    fn one_more(&self, start: usize, end: &Cursor<'b>) -> Result<(), DecodeError> {
        end.limit_depth(start, self.sink.max_depth())?;
        let most = self.sink.max_events();
        if self.count >= most {
            return Err(DecodeError::new(start, format!("has more than {most} events")));
        }
        Ok(())
    }

    /// The path of the next event in the body.
    fn path(&self) -> String {
        self.nesting.path(self.envelope, self.count)
    }
}

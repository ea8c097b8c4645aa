//! Reads one event whose data is beside its type in one object: `{"type": …, "total": …}`.

use std::borrow::Cow;

use super::{
    Cursor, DecodeError, Decoded,
    duplicates::{Unique, twice},
    name::{Member, Name},
    reader::{Reader, Sink},
    watch::Watch,
};

/// The members that the envelope names: the type, and another one that an event must have.
#[derive(Clone, Copy)]
pub(super) struct Keys<'k> {
    pub(super) event_type: &'k Name,
    pub(super) beside: Option<&'k Name>,
}

impl<'b, S: Sink<'b>> Reader<'_, S> {
    /// Looks for the type, and decodes the same object from its start.
    ///
    /// The first type found is believed if the object was seen to have no second one while it was decoded. If that could
    /// not be seen, then all members are looked at.
    pub(super) fn flat(&mut self, keys: Keys<'_>, at: &mut Cursor<'b>) -> Result<(), DecodeError> {
        let mut object = Object::new(at.position());
        let mut more = at.open(b'{', b'}')?;
        while more {
            let names = [keys.event_type, keys.beside.unwrap_or(keys.event_type)];
            let member = at.member(names, self.envelope.camel_case)?;
            let is_type = matches!(member, Member::Exact(0));
            object.add(&member, at)?;
            if is_type && object.ahead.is_none() && object.beside.once() == keys.beside.is_some() {
                let watch = Watch::new(keys);
                object.ahead = self.ahead(&object, &watch, at)?;
                if let Some(ahead) = object.ahead.take_if(|_| watch.each_once()) {
                    *at = ahead.end;
                    return self.known(object.start, at, ahead.route, ahead.event);
                }
            }
            more = at.more(b'}')?;
        }
        self.flat_read(keys, object, at)
    }

    /// Decodes the object from its start, ahead of a look at the members behind the type, if the type has a handler. In
    /// most events the type is the first member, so this saves reading the object twice.
    fn ahead(
        &mut self,
        object: &Object<'b, S>,
        watch: &Watch<'_>,
        at: &Cursor<'b>,
    ) -> Result<Option<Ahead<'b, S>>, DecodeError> {
        let event_type = object.event_type.first.as_ref().filter(|_| object.event_type.once());
        let Some(route) = event_type.and_then(|event_type| self.sink.route(event_type)) else {
            return Ok(None);
        };
        let mut end = at.moved(object.start);
        let event = self.sink.decode(route, &mut end, Some(watch))?;
        Ok(Some(Ahead { route, event, end }))
    }

    /// All members of the object have been looked at.
    fn flat_read(
        &mut self,
        keys: Keys<'_>,
        object: Object<'b, S>,
        at: &Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let start = object.start;
        let complete = keys.beside.is_none() || object.beside.or(object.camel_beside).once();
        let event_type = object.event_type.or(object.camel_type);
        if let Some(Ahead { route, event, .. }) = object.ahead {
            if complete && !event_type.repeated {
                return self.known(start, at, route, event);
            }
            self.discard(route, event);
        }
        match event_type.first {
            _ if !complete => self.unknown(start, at, Ok(None)),
            _ if event_type.repeated => self.unknown(start, at, Err(twice(keys.event_type, start))),
            Some(event_type) => self.rewound(event_type, start, at),
            None => self.unknown(start, at, Ok(None)),
        }
    }
}

/// The members of an object, as far as they have been looked at.
struct Object<'b, S: Sink<'b>> {
    start: usize,
    event_type: Unique<Cow<'b, str>>,
    camel_type: Unique<Cow<'b, str>>,
    beside: Unique<()>,
    camel_beside: Unique<()>,
    ahead: Option<Ahead<'b, S>>,
}

impl<'b, S: Sink<'b>> Object<'b, S> {
    fn new(start: usize) -> Self {
        Self {
            start,
            event_type: Unique::MISSING,
            camel_type: Unique::MISSING,
            beside: Unique::MISSING,
            camel_beside: Unique::MISSING,
            ahead: None,
        }
    }

    // Inlined: called for each member in front of the type.
    #[inline(always)]
    fn add(&mut self, member: &Member<'b>, at: &mut Cursor<'b>) -> Result<(), DecodeError> {
        match member {
            Member::Exact(0) => self.event_type.add(at.event_type()?),
            Member::CamelCase(0) => self.camel_type.add(at.event_type()?),
            Member::Exact(_) => self.beside.add(Some(at.pass()?)),
            Member::CamelCase(_) => self.camel_beside.add(Some(at.pass()?)),
            Member::Other(_) => at.pass()?,
        }
        Ok(())
    }
}

/// An event, decoded before all of its object was looked at.
struct Ahead<'b, S: Sink<'b>> {
    route: S::Route,
    event: Decoded<S::Event>,
    end: Cursor<'b>,
}

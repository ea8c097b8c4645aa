//! Reads one event whose type and data are two members side by side: `{"type": …, "data": …}`.

use std::{borrow::Cow, ops::Range};

use super::{
    Cursor, DecodeError, Decoded,
    duplicates::{Unique, twice},
    name::{Member, Name},
    reader::{Reader, Sink},
};

impl<'b, S: Sink<'b>> Reader<'_, S> {
    /// If the type comes first, then the data is decoded in place. If the data comes first, then it is skipped and decoded
    /// later. Most senders write the type, the data and nothing else: this straight path is tried first, and saves the
    /// bookkeeping for duplicates and spellings. `members` takes over as soon as there is anything different.
    pub(super) fn adjacent(
        &mut self,
        keys @ [type_key, data_key]: [&Name; 2],
        straight: bool,
        at: &mut Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let start = at.position();
        let event_type = if straight { at.straight_to(type_key, data_key) } else { None };
        let Some(event_type) = event_type else { return self.members(keys, start, None, at) };
        match self.data(Some(event_type), at)? {
            Data::Decoded(route, event @ Decoded::Fits(_)) if at.eat(b'}') => {
                self.known(start, at, route, event)
            }
            data => self.members(keys, start, Some((Cow::Borrowed(event_type), data)), at),
        }
    }

    /// Looks at all members, or at those behind the type and the data if these were read already.
    // Not inlined: it would make the straight path slower.
    #[inline(never)]
    fn members(
        &mut self,
        keys: [&Name; 2],
        start: usize,
        first: Option<(Cow<'b, str>, DataOf<'b, S>)>,
        at: &mut Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let mut object = Object::MISSING;
        let mut more = match first {
            None => at.open(b'{', b'}')?,
            Some((event_type, data)) => {
                object.event_type.add(Some(event_type));
                object.data.add(Some(data));
                at.more(b'}')?
            }
        };
        while more {
            match at.member(keys, self.envelope.camel_case)? {
                Member::Exact(0) => object.event_type.add(at.event_type()?),
                // A second one is not decoded: the event does not fit anyway.
                Member::Exact(_) if object.data.found => object.data.add(at.pass().map(|()| None)?),
                Member::Exact(_) => {
                    let data = self.data(object.event_type.first.as_deref(), at)?;
                    object.data.add(Some(data));
                }
                Member::CamelCase(0) => object.camel_type.add(at.event_type()?),
                Member::CamelCase(_) => object.camel_data.add(Some(Data::Left(at.skip()?))),
                Member::Other(_) => at.pass()?,
            }
            more = at.more(b'}')?;
        }
        self.adjacent_read(keys, start, object, at)
    }

    /// All members of the object have been looked at.
    fn adjacent_read(
        &mut self,
        [type_key, data_key]: [&Name; 2],
        start: usize,
        object: Object<'b, S>,
        at: &Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let event_type = object.event_type.or(object.camel_type);
        let data = object.data.or(object.camel_data);
        if event_type.repeated {
            if let Some(Data::Decoded(route, event)) = data.first {
                self.discard(route, event);
            }
            return self.unknown(start, at, Err(twice(type_key, start)));
        }
        match event_type.first {
            Some(event_type) => self.settle(event_type, (data, data_key), start, at),
            None => self.unknown(start, at, Ok(None)),
        }
    }

    /// Decodes the data if the type is known by now and has a handler. If not, skips it and remembers where it is.
    #[inline]
    fn data(
        &mut self,
        event_type: Option<&str>,
        at: &mut Cursor<'b>,
    ) -> Result<DataOf<'b, S>, DecodeError> {
        if let Some(route) = event_type.and_then(|event_type| self.sink.route(event_type)) {
            return Ok(Data::Decoded(route, self.sink.decode(route, at, None)?));
        }
        at.skip().map(Data::Left)
    }

    /// The type is known, and all members have been looked at.
    fn settle(
        &mut self,
        event_type: Cow<'b, str>,
        (data, key): (Unique<DataOf<'b, S>>, &Name),
        start: usize,
        at: &Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let (route, event) = match data.first {
            Some(Data::Decoded(route, event)) => (route, event),
            left => {
                let Some(route) = self.sink.route(&event_type) else {
                    return self.unknown(start, at, Ok(Some(event_type)));
                };
                (route, self.left(left, route, start, at)?)
            }
        };
        if data.repeated {
            self.discard(route, event);
            return self.known(start, at, route, Decoded::Misfit(twice(key, start)));
        }
        let event = event.map_misfit(|error| error.within(None, key.as_str()));
        self.known(start, at, route, event)
    }

    /// Decodes data that was skipped. Missing data is decoded as `null`, which an `Option` or a unit type accepts.
    fn left(
        &mut self,
        data: Option<DataOf<'b, S>>,
        route: S::Route,
        start: usize,
        at: &Cursor<'b>,
    ) -> Result<Decoded<S::Event>, DecodeError> {
        if let Some(Data::Left(range)) = data {
            return self.sink.decode(route, &mut at.moved(range.start), None);
        }
        let null = self.sink.decode(route, &mut Cursor::new("null", 0), None)?;
        Ok(null.map_misfit(|_| DecodeError::new(start, "is missing")))
    }
}

/// The members of an object that the envelope names, in both spellings.
struct Object<'b, S: Sink<'b>> {
    event_type: Unique<Cow<'b, str>>,
    camel_type: Unique<Cow<'b, str>>,
    data: Unique<DataOf<'b, S>>,
    camel_data: Unique<DataOf<'b, S>>,
}

impl<'b, S: Sink<'b>> Object<'b, S> {
    const MISSING: Self = Self {
        event_type: Unique::MISSING,
        camel_type: Unique::MISSING,
        data: Unique::MISSING,
        camel_data: Unique::MISSING,
    };
}

/// The data of an event: decoded in place, or skipped.
enum Data<R, T> {
    Decoded(R, Decoded<T>),
    Left(Range<usize>),
}

type DataOf<'b, S> = Data<<S as Sink<'b>>::Route, <S as Sink<'b>>::Event>;

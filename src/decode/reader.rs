use std::{borrow::Cow, ops::Range};

use super::{
    Cursor, DecodeError, Envelope, Members,
    envelope::Tag,
    name::{Member, Name},
    once::Once,
};

use crate::contain::contained;

impl Envelope {
    /// Reads the whole of `body`, showing each event to `sink`. Returns the outer object's other members.
    ///
    /// Payloads are decoded in place. A type that swallows an error stops in the middle of its payload, and makes what
    /// follows unreadable; another may panic. Then all is read again, and each payload's end found before it is decoded.
    pub(crate) fn read<'b, S: Sink<'b>>(
        &self,
        body: &'b [u8],
        sink: &mut S,
    ) -> Result<Members<'b>, DecodeError> {
        let text = std::str::from_utf8(body)
            .map_err(|e| DecodeError::new(e.valid_up_to(), "is not UTF-8"))?;
        let start = Cursor::new(text, if text.starts_with('\u{feff}') { 3 } else { 0 });
        if let Some(Ok(outer)) = contained(|| self.read_from(start.clone(), sink)) {
            return Ok(outer);
        }
        sink.clear();
        self.read_from(start.carefully(), sink)
    }

    fn read_from<'b, S: Sink<'b>>(
        &self,
        mut at: Cursor<'b>,
        sink: &mut S,
    ) -> Result<Members<'b>, DecodeError> {
        let mut reader = Reader { envelope: self, sink, count: 0 };
        let outer = match &self.list {
            None => {
                reader.elements(&mut at)?;
                Members::new(self.or_camel_case)
            }
            Some(list) => reader.outer(list, &mut at)?,
        };
        match at.peek() {
            None => Ok(outer),
            Some(_) => Err(at.error("has text after its end")),
        }
    }
}

/// What becomes of each event while the body is read.
pub(crate) trait Sink<'b> {
    /// Stands for a type of events that somebody wants.
    type Route: Copy;
    type Event;

    fn route(&self, kind: &str) -> Option<Self::Route>;

    fn name(&self, route: Self::Route) -> &str;

    /// The payload of an event starts at `at`: moves `at` past it, whether it fits or not.
    fn decode(
        &mut self,
        route: Self::Route,
        at: &mut Cursor<'b>,
    ) -> Result<Result<Self::Event, DecodeError>, DecodeError>;

    /// An event that was decoded will not be shown.
    fn discard(&mut self, route: Self::Route, event: Self::Event);

    /// What was shown so far counts for nothing: all of it will be shown again.
    fn clear(&mut self);

    /// An event of a type that somebody wants has been read to its end.
    fn known(
        &mut self,
        range: Range<usize>,
        route: Self::Route,
        event: Result<Self::Event, DecodeError>,
    ) -> Result<(), DecodeError>;

    /// No event, or one that nobody wants; or it names its type twice, which is an error.
    fn unknown(
        &mut self,
        range: Range<usize>,
        kind: Result<Option<Cow<'b, str>>, DecodeError>,
    ) -> Result<(), DecodeError>;
}

struct Reader<'r, S> {
    envelope: &'r Envelope,
    sink: &'r mut S,
    count: usize,
}

#[expect(clippy::ptr_arg, reason = "a borrowed name is cloned for nothing, an owned one seldom")]
impl<'b, S: Sink<'b>> Reader<'_, S> {
    fn outer(&mut self, list: &Name, at: &mut Cursor<'b>) -> Result<Members<'b>, DecodeError> {
        let mut members = Members::new(self.envelope.or_camel_case);
        let (mut found, mut otherwise) = (false, None);
        let mut more = at.open(b'{', b'}')?;
        while more {
            match at.member([list], self.envelope.or_camel_case)? {
                Member::Exact(_) if found => return Err(at.error("has its list of events twice")),
                Member::Exact(_) => {
                    found = true;
                    self.list(at)?;
                }
                Member::CamelCase(_) if otherwise.is_some() => {
                    return Err(at.error("has its list of events twice"));
                }
                Member::CamelCase(_) => otherwise = Some(at.skip()?),
                Member::Other(key) => {
                    let start = at.start();
                    members.take(key, at)?;
                    at.limit_depth(start)?;
                }
            }
            more = at.more(b'}')?;
        }
        match (found, otherwise) {
            (true, _) => Ok(members),
            (false, Some(range)) => self.list(&mut at.moved(range.start)).map(|()| members),
            (false, None) => Err(at.error("has no list of events")),
        }
    }

    fn elements(&mut self, at: &mut Cursor<'b>) -> Result<(), DecodeError> {
        match at.peek() {
            Some(b'[') => self.list(at),
            Some(b'{') => self.element(at),
            _ => {
                let start = at.start();
                at.pass()?;
                Err(DecodeError::new(start, "is no object and no list"))
            }
        }
    }

    fn list(&mut self, at: &mut Cursor<'b>) -> Result<(), DecodeError> {
        let mut more = at.open(b'[', b']')?;
        while more {
            self.element(at)?;
            more = at.more(b']')?;
        }
        Ok(())
    }

    fn element(&mut self, at: &mut Cursor<'b>) -> Result<(), DecodeError> {
        let start = at.start();
        match (at.peek(), &self.envelope.tag) {
            (Some(b'{'), Tag::Adjacent { kind, data }) => self.adjacent(kind, data, at),
            (Some(b'{'), Tag::Flat { kind, beside }) => self.flat(kind, beside.as_ref(), at),
            (Some(b'{'), Tag::Shape(of)) => {
                let kind = of(&Members::read(at, self.envelope.or_camel_case)?);
                match kind.filter(|kind| kind.len() <= Envelope::MAX_TYPE) {
                    Some(kind) => self.rewound(&kind, start, at),
                    None => self.unknown(start, at, Ok(None)),
                }
            }
            _ => {
                at.pass()?;
                self.unknown(start, at, Ok(None))
            }
        }
    }

    /// Decodes in place where the name comes first; goes back to the data where that does.
    fn adjacent(
        &mut self,
        kind_key: &Name,
        data_key: &Name,
        at: &mut Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let camel = self.envelope.or_camel_case;
        let start = at.position();
        let (mut kind, mut camel_kind) = (Once::NEVER, Once::NEVER);
        let (mut data, mut camel_data) = (Once::NEVER, Once::NEVER);
        let mut more = at.open(b'{', b'}')?;
        while more {
            match at.member([kind_key, data_key], camel)? {
                Member::Exact(0) => kind.add(at.kind()?),
                Member::Exact(_) => data.add(Some(self.data(&kind, at)?)),
                Member::CamelCase(0) => camel_kind.add(at.kind()?),
                Member::CamelCase(_) => camel_data.add(Some(Data::Left(at.skip()?))),
                Member::Other(_) => at.pass()?,
            }
            more = at.more(b'}')?;
        }
        let (kind, data) = (kind.or(&camel_kind), if data.found { data } else { camel_data });
        match &kind.first {
            _ if kind.repeated => self.unknown(start, at, Err(twice(kind_key, start))),
            Some(kind) => self.settle(kind, data, data_key, start, at),
            None => self.unknown(start, at, Ok(None)),
        }
    }

    /// The data of an event whose name may or may not have been read by now.
    #[inline]
    fn data(
        &mut self,
        kind: &Once<Cow<'b, str>>,
        at: &mut Cursor<'b>,
    ) -> Result<DataOf<'b, S>, DecodeError> {
        if let Some(kind) = &kind.first
            && let Some(route) = self.sink.route(kind)
        {
            return Ok(Data::Decoded(route, self.sink.decode(route, at)?));
        }
        at.skip().map(Data::Left)
    }

    fn settle(
        &mut self,
        kind: &Cow<'b, str>,
        data: Once<DataOf<'b, S>>,
        key: &Name,
        start: usize,
        at: &Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let (route, event) = match data.first {
            Some(Data::Decoded(route, event)) => (route, event),
            left => {
                let Some(route) = self.sink.route(kind) else {
                    return self.unknown(start, at, Ok(Some(kind.clone())));
                };
                (route, self.left(left, route, start, at)?)
            }
        };
        match event {
            event if data.repeated => {
                event.into_iter().for_each(|event| self.sink.discard(route, event));
                self.known(start, at, route, Err(twice(key, start)))
            }
            Err(error) => self.known(start, at, route, Err(error.within(None, key.as_str()))),
            event => self.known(start, at, route, event),
        }
    }

    /// Decodes data that was left where it stood, or that is missing.
    fn left(
        &mut self,
        data: Option<DataOf<'b, S>>,
        route: S::Route,
        start: usize,
        at: &Cursor<'b>,
    ) -> Result<Result<S::Event, DecodeError>, DecodeError> {
        if let Some(Data::Left(range)) = data {
            return self.sink.decode(route, &mut at.moved(range.start));
        }
        let null = self.sink.decode(route, &mut Cursor::new("null", 0))?;
        Ok(null.map_err(|_| DecodeError::new(start, "is missing")))
    }

    /// Looks for the name, and decodes the same object from its start.
    ///
    /// The first name found is believed as long as nothing behind it looks like another; else all members are looked at.
    fn flat(
        &mut self,
        name: &Name,
        beside: Option<&Name>,
        at: &mut Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let camel = self.envelope.or_camel_case;
        let start = at.position();
        let (mut exact, mut otherwise) = (Once::NEVER, Once::NEVER);
        let mut besides = Once::NEVER;
        let mut more = at.open(b'{', b'}')?;
        while more {
            match at.member([name, beside.unwrap_or(name)], camel)? {
                Member::Exact(0) => {
                    exact.add(at.kind()?);
                    if let Some(kind) = &exact.first
                        && !exact.repeated
                        && besides.found == beside.is_some()
                        && !besides.repeated
                        && self.believed(kind, [Some(name), beside], start, at)?
                    {
                        return Ok(());
                    }
                }
                Member::CamelCase(0) => otherwise.add(at.kind()?),
                Member::Exact(_) => besides.add(Some(at.pass()?)),
                Member::CamelCase(_) | Member::Other(_) => at.pass()?,
            }
            more = at.more(b'}')?;
        }
        let kind = exact.or(&otherwise);
        match &kind.first {
            _ if besides.found != beside.is_some() || besides.repeated => {
                self.unknown(start, at, Ok(None))
            }
            _ if kind.repeated => self.unknown(start, at, Err(twice(name, start))),
            Some(kind) => self.rewound(kind, start, at),
            None => self.unknown(start, at, Ok(None)),
        }
    }

    /// Decodes the object from its start, unless one of `names` could stand once more behind `at`: has it?
    fn believed(
        &mut self,
        kind: &str,
        names: [Option<&Name>; 2],
        start: usize,
        at: &mut Cursor<'b>,
    ) -> Result<bool, DecodeError> {
        let Some(route) = self.sink.route(kind) else { return Ok(false) };
        let mut ahead = at.moved(start);
        let event = self.sink.decode(route, &mut ahead)?;
        let camel = self.envelope.or_camel_case;
        let certain = at.until(&ahead).is_some_and(|rest| {
            let again = |name: &&Name| name.may_stand_in(rest, camel);
            !rest.contains(r"\u") && names.iter().flatten().find(|name| again(name)).is_none()
        });
        if certain {
            *at = ahead;
            self.known(start, at, route, event)?;
        } else {
            event.into_iter().for_each(|event| self.sink.discard(route, event));
        }
        Ok(certain)
    }

    fn rewound(
        &mut self,
        kind: &Cow<'b, str>,
        start: usize,
        at: &Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let Some(route) = self.sink.route(kind) else {
            return self.unknown(start, at, Ok(Some(kind.clone())));
        };
        let event = self.sink.decode(route, &mut at.moved(start))?;
        self.known(start, at, route, event)
    }

    #[inline]
    fn known(
        &mut self,
        start: usize,
        end: &Cursor<'b>,
        route: S::Route,
        event: Result<S::Event, DecodeError>,
    ) -> Result<(), DecodeError> {
        end.limit_depth(start)?;
        let event = match event {
            Err(error) => Err(error.within(Some(self.sink.name(route)), &self.path())),
            event => event,
        };
        self.count += 1;
        self.sink.known(start..end.position(), route, event)
    }

    fn unknown(
        &mut self,
        start: usize,
        end: &Cursor<'b>,
        kind: Result<Option<Cow<'b, str>>, DecodeError>,
    ) -> Result<(), DecodeError> {
        end.limit_depth(start)?;
        let kind = kind.map_err(|error| error.within(None, &self.path()));
        self.count += 1;
        self.sink.unknown(start..end.position(), kind)
    }

    fn path(&self) -> String {
        let list = self.envelope.list.as_ref().map_or("", Name::as_str);
        format!("{list}[{}]", self.count)
    }
}

fn twice(member: &Name, at: usize) -> DecodeError {
    DecodeError::new(at, format!("has two members `{}`", member.as_str()))
}

/// The data of an event: decoded where it stood, or left there.
enum Data<R, T> {
    Decoded(R, Result<T, DecodeError>),
    Left(Range<usize>),
}

type DataOf<'b, S> = Data<<S as Sink<'b>>::Route, <S as Sink<'b>>::Event>;

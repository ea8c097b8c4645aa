use std::{borrow::Cow, ops::Range};

use super::{
    Cursor, DecodeError, Element, Envelope, Members,
    envelope::{Name, Spelling, Tag},
};

impl Envelope {
    /// Reads the whole of `body`, showing each event to `sink`. Returns the outer object's other members.
    ///
    /// Payloads are decoded in place. A type that swallows an error stops in the middle of its payload, and makes what
    /// follows unreadable: then all is read again, and each payload's end found before it is decoded.
    pub(crate) fn read<'b, S: Sink<'b>>(
        &self,
        body: &'b [u8],
        sink: &mut S,
    ) -> Result<Members<'b>, DecodeError> {
        let text = std::str::from_utf8(body)
            .map_err(|e| DecodeError::new(e.valid_up_to(), "is not UTF-8"))?;
        let start = Cursor::new(text, if text.starts_with('\u{feff}') { 3 } else { 0 });
        self.read_from(start.clone(), sink).or_else(|_| {
            sink.clear();
            self.read_from(start.carefully(), sink)
        })
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
    type Event;

    /// The payload of an event called `kind` starts at `at`: moves `at` past it, unless nobody knows that kind.
    fn decode(
        &mut self,
        kind: &str,
        at: &mut Cursor<'b>,
    ) -> Result<Payload<Self::Event>, DecodeError>;

    /// What was shown so far counts for nothing: all of it will be shown again.
    fn clear(&mut self);

    /// An element has been read to its end.
    fn push(
        &mut self,
        element: Element<'b>,
        payload: Payload<Self::Event>,
    ) -> Result<(), DecodeError>;
}

pub(crate) enum Payload<T> {
    Fits(T),
    Misfit(DecodeError),
    Unknown,
}

struct Reader<'r, S> {
    envelope: &'r Envelope,
    sink: &'r mut S,
    count: usize,
}

impl<'b, S: Sink<'b>> Reader<'_, S> {
    fn outer(&mut self, list: &Name, at: &mut Cursor<'b>) -> Result<Members<'b>, DecodeError> {
        let mut members = Members::new(self.envelope.or_camel_case);
        let (mut found, mut otherwise) = (false, None);
        let mut more = at.open(b'{', b'}')?;
        while more {
            let key = at.key()?;
            match list.spelt(&key, self.envelope.or_camel_case) {
                Spelling::Exact if found => return Err(at.error("has its list of events twice")),
                Spelling::Exact => {
                    found = true;
                    self.list(at)?;
                }
                Spelling::CamelCase if otherwise.is_some() => {
                    return Err(at.error("has its list of events twice"));
                }
                Spelling::CamelCase => otherwise = Some(at.skip()?),
                Spelling::Other => {
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
        let (kind, payload) = match (at.peek(), &self.envelope.tag) {
            (Some(b'{'), Tag::Adjacent { kind, data }) => self.adjacent(kind, data, at)?,
            (Some(b'{'), Tag::Flat { kind }) => self.flat(kind, at)?,
            (Some(b'{'), Tag::Shape(of)) => {
                let kind = of(&Members::read(at, self.envelope.or_camel_case)?);
                match kind.filter(|kind| kind.len() <= Envelope::MAX_TYPE) {
                    Some(kind) => self.rewound(kind, start, at)?,
                    None => (None, Payload::Unknown),
                }
            }
            _ => at.skip().map(|_| (None, Payload::Unknown))?,
        };
        at.limit_depth(start)?;
        let payload = match payload {
            Payload::Misfit(error) => Payload::Misfit(error.within(kind.as_deref(), &self.path())),
            payload => payload,
        };
        self.count += 1;
        self.sink.push(Element { kind, range: start..at.position() }, payload)
    }

    /// Decodes in place where the name comes first; goes back to the data where that does.
    fn adjacent(&mut self, kind_key: &Name, data_key: &Name, at: &mut Cursor<'b>) -> Named<'b, S> {
        let camel = self.envelope.or_camel_case;
        let start = at.position();
        let (mut kind, mut camel_kind) = (OnceText::Absent, OnceText::Absent);
        let (mut data, mut camel_data) = (OnceData::ABSENT, OnceData::ABSENT);
        let mut more = at.open(b'{', b'}')?;
        while more {
            let key = at.key()?;
            match (kind_key.spelt(&key, camel), data_key.spelt(&key, camel)) {
                (Spelling::Exact, _) => kind = kind.then(at.text_or_skip()?),
                (Spelling::CamelCase, _) => camel_kind = camel_kind.then(at.text_or_skip()?),
                (_, Spelling::Exact) => data = data.then(self.data(&kind, at)?),
                (_, Spelling::CamelCase) => camel_data = camel_data.then(Data::Left(at.skip()?)),
                (Spelling::Other, Spelling::Other) => at.pass()?,
            }
            more = at.more(b'}')?;
        }
        match kind.or(camel_kind) {
            OnceText::Text(kind) => {
                let payload =
                    self.settle(&kind, data.or(camel_data), data_key, &at.moved(start))?;
                Ok((Some(kind), payload))
            }
            OnceText::Absent | OnceText::Unusable => Ok((None, Payload::Unknown)),
            OnceText::Twice => Ok((None, Payload::Misfit(twice(kind_key, start)))),
        }
    }

    /// The data of an event whose name may or may not have been read by now.
    fn data(
        &mut self,
        kind: &OnceText<'b>,
        at: &mut Cursor<'b>,
    ) -> Result<Data<S::Event>, DecodeError> {
        if let OnceText::Text(kind) = kind {
            match self.sink.decode(kind, at)? {
                Payload::Unknown => {}
                known => return Ok(Data::Decoded(known)),
            }
        }
        at.skip().map(Data::Left)
    }

    fn settle(
        &mut self,
        kind: &str,
        data: OnceData<S::Event>,
        key: &Name,
        start: &Cursor<'b>,
    ) -> Result<Payload<S::Event>, DecodeError> {
        let payload = match data.first {
            Some(Data::Decoded(known)) => known,
            Some(Data::Left(range)) => self.sink.decode(kind, &mut start.moved(range.start))?,
            None => match self.sink.decode(kind, &mut Cursor::new("null", 0))? {
                Payload::Misfit(_) => {
                    Payload::Misfit(DecodeError::new(start.position(), "is missing"))
                }
                fits_or_unknown => fits_or_unknown,
            },
        };
        Ok(match payload {
            Payload::Unknown => Payload::Unknown,
            _ if data.twice => Payload::Misfit(twice(key, start.position())),
            known => known.behind(&key.0),
        })
    }

    /// Finds the name, then decodes the same object from its start.
    fn flat(&mut self, name: &Name, at: &mut Cursor<'b>) -> Named<'b, S> {
        let start = at.position();
        let (mut exact, mut otherwise) = (OnceText::Absent, OnceText::Absent);
        let mut more = at.open(b'{', b'}')?;
        while more {
            let key = at.key()?;
            match name.spelt(&key, self.envelope.or_camel_case) {
                Spelling::Exact => exact = exact.then(at.text_or_skip()?),
                Spelling::CamelCase => otherwise = otherwise.then(at.text_or_skip()?),
                Spelling::Other => at.pass()?,
            }
            more = at.more(b'}')?;
        }
        match exact.or(otherwise) {
            OnceText::Text(kind) => self.rewound(kind, start, at),
            OnceText::Absent | OnceText::Unusable => Ok((None, Payload::Unknown)),
            OnceText::Twice => Ok((None, Payload::Misfit(twice(name, start)))),
        }
    }

    fn rewound(&mut self, kind: Cow<'b, str>, start: usize, at: &Cursor<'b>) -> Named<'b, S> {
        let payload = self.sink.decode(&kind, &mut at.moved(start))?;
        Ok((Some(kind), payload))
    }

    fn path(&self) -> String {
        let list = self.envelope.list.as_ref().map_or("", |name| &name.0);
        format!("{list}[{}]", self.count)
    }
}

type Named<'b, S> = Result<(Option<Cow<'b, str>>, Payload<<S as Sink<'b>>::Event>), DecodeError>;

impl<T> Payload<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Payload<U> {
        match self {
            Self::Fits(event) => Payload::Fits(f(event)),
            Self::Misfit(error) => Payload::Misfit(error),
            Self::Unknown => Payload::Unknown,
        }
    }

    fn behind(self, name: &str) -> Self {
        match self {
            Self::Misfit(error) => Self::Misfit(error.within(None, name)),
            other => other,
        }
    }
}

fn twice(member: &Name, at: usize) -> DecodeError {
    DecodeError::new(at, format!("has two members `{}`", member.0))
}

/// The text of a member that must stand once.
enum OnceText<'b> {
    Absent,
    Text(Cow<'b, str>),
    /// No text, or too long a text to be the name of a type.
    Unusable,
    Twice,
}

impl<'b> OnceText<'b> {
    fn then(self, text: Option<Cow<'b, str>>) -> Self {
        match (self, text) {
            (Self::Absent, Some(text)) if text.len() <= Envelope::MAX_TYPE => Self::Text(text),
            (Self::Absent, _) => Self::Unusable,
            _ => Self::Twice,
        }
    }

    fn or(self, other: Self) -> Self {
        match self {
            Self::Absent => other,
            found => found,
        }
    }
}

/// The data of an event: decoded where it stood, or left there.
enum Data<T> {
    Decoded(Payload<T>),
    Left(Range<usize>),
}

/// The data of an event, which must stand once.
struct OnceData<T> {
    first: Option<Data<T>>,
    twice: bool,
}

impl<T> OnceData<T> {
    const ABSENT: Self = Self { first: None, twice: false };

    fn then(self, data: Data<T>) -> Self {
        Self { twice: self.first.is_some(), first: self.first.or(Some(data)) }
    }

    fn or(self, other: Self) -> Self {
        if self.first.is_some() { self } else { other }
    }
}

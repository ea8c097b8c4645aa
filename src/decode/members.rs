//! `Members`: the members of one JSON object, each found once and not yet decoded.

use std::{borrow::Cow, fmt};

use serde::Deserialize;

use super::{Cursor, DecodeError, name::is_camel_case_of};

/// The members of a JSON object by name, undecoded.
///
/// A name that stands there twice is as good as absent: the two could say different things.
#[derive(Clone, Default)]
pub struct Members<'b> {
    all: Vec<(Cow<'b, str>, &'b str)>,
    camel_case: bool,
}

impl<'b> Members<'b> {
    /// The most members; a body with an object of more of them, where they are looked at, is refused.
    pub const MAX: usize = 1024;

    pub(super) fn new(camel_case: bool) -> Self {
        Self { all: Vec::new(), camel_case }
    }

    /// All members of the object at `at`.
    pub(super) fn read(at: &mut Cursor<'b>, camel_case: bool) -> Result<Self, DecodeError> {
        let mut members = Self::new(camel_case);
        let mut more = at.open(b'{', b'}')?;
        while more {
            let key = at.key()?;
            members.take(key, at)?;
            more = at.more(b'}')?;
        }
        Ok(members)
    }

    /// The members of `json`, if that is an object.
    pub(crate) fn of(json: &'b str) -> Option<Self> {
        Self::read(&mut Cursor::new(json, 0), false).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(key, _)| key == name)
    }

    /// Keeps the member `key` whose value stands at `at`, and passes over it.
    pub(super) fn take(
        &mut self,
        key: Cow<'b, str>,
        at: &mut Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let value = at.skip()?;
        if self.all.len() == Self::MAX {
            let why = format!("has an object with more than {} members", Self::MAX);
            return Err(DecodeError::new(value.start, why));
        }
        self.all.push((key, at.text(value)));
        Ok(())
    }

    /// The JSON text of the member `name`; in an envelope that is read
    /// [`camel_case`](super::Envelope::camel_case), else of its camelCase spelling.
    pub fn raw(&self, name: &str) -> Option<&'b str> {
        match self.only(|key| key == name) {
            Only::None if self.camel_case => self.only(|key| is_camel_case_of(key, name)).json(),
            exact => exact.json(),
        }
    }

    fn only(&self, is: impl Fn(&str) -> bool) -> Only<'b> {
        let mut all = self.all.iter().filter(|(key, _)| is(key));
        match (all.next(), all.next()) {
            (None, _) => Only::None,
            (Some((_, json)), None) => Only::One(json),
            (Some(_), Some(_)) => Only::Several,
        }
    }

    /// The text of the member `name`, if it is one.
    pub fn text(&self, name: &str) -> Option<Cow<'b, str>> {
        Cursor::new(self.raw(name)?, 0).text_or_skip().ok()?
    }

    /// The member `name` as a `T`, if it is one.
    pub fn get<T: Deserialize<'b>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.raw(name)?).ok()
    }
}

impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").field("count", &self.all.len()).finish_non_exhaustive()
    }
}

enum Only<'b> {
    None,
    One(&'b str),
    Several,
}

impl<'b> Only<'b> {
    fn json(self) -> Option<&'b str> {
        match self {
            Self::One(json) => Some(json),
            Self::None | Self::Several => None,
        }
    }
}

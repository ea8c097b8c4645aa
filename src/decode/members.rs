//! `Members`: the members of one JSON object, each found once and not yet decoded.

use std::{borrow::Cow, fmt};

use serde::Deserialize;

use super::{Cursor, DecodeError, name::is_camel_case_of};

/// The members of a JSON object by name, not yet decoded.
///
/// A member that occurs twice counts as missing: the two could contradict each other. `Debug` shows the number of members
/// only.
///
/// ```
/// use tower_webhook::decode::Members;
///
/// let members = Members::of(r#"{"id": "d-1", "attempt": 2, "of": {"total": 3}, "by": 1, "by": 2}"#).expect("an object");
/// assert_eq!(members.text("id").as_deref(), Some("d-1"));
/// assert_eq!(members.get::<u32>("attempt"), Some(2));
/// assert_eq!(members.raw("of"), Some(r#"{"total": 3}"#));
/// assert_eq!(members.raw("by"), None);
/// ```
#[derive(Clone, Default)]
pub struct Members<'b> {
    all: Vec<(Cow<'b, str>, &'b str)>,
    camel_case: bool,
}

impl<'b> Members<'b> {
    /// The maximum number of members of an object whose members are looked at. A body with more of them there is refused.
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

    /// The members of `json`. `None` if that is not exactly one JSON object, with or without white space around it, or if
    /// it has more than [`Members::MAX`] members. A byte order mark is not accepted.
    ///
    /// Reads all of `json` once, checks that it is well formed, and copies no value. Each look at a member then goes through
    /// all their names, and decodes that one value.
    ///
    /// ```
    /// use tower_webhook::decode::Members;
    ///
    /// assert!(Members::of(" {} ").is_some());
    /// for json in ["[]", "7", "", "{", "{} {}"] {
    ///     assert!(Members::of(json).is_none());
    /// }
    /// ```
    pub fn of(json: &'b str) -> Option<Self> {
        let mut at = Cursor::new(json, 0);
        let members = Self::read(&mut at, false).ok()?;
        at.peek().is_none().then_some(members)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether there is a member `name`, even if it occurs more than once. The other methods find no such member. In an
    /// envelope that is read in [`camel_case`](super::Envelope::camel_case), its camelCase spelling counts, too.
    pub fn has(&self, name: &str) -> bool {
        let is = |key: &str| key == name || self.camel_case && is_camel_case_of(key, name);
        self.all.iter().any(|(key, _)| is(key))
    }

    /// Keeps the member `key` whose value is at `at`, and passes over it.
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

    /// The JSON text of the member `name`. In an envelope that is read in [`camel_case`](super::Envelope::camel_case): if
    /// there is no such member, then that of its camelCase spelling.
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

    /// The value of the member `name` without its quotes and escapes, if it is a JSON string of Unicode text.
    pub fn text(&self, name: &str) -> Option<Cow<'b, str>> {
        Cursor::new(self.raw(name)?, 0).text_or_skip().ok()?
    }

    /// The value of the member `name` as a `T`, if it fits.
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

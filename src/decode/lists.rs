//! Finds the list of events in an outer object, and the lists in the elements of a list.

use std::borrow::Cow;

use super::{
    Cursor, DecodeError, Envelope, Members,
    name::{Member, Name},
    reader::{Reader, Sink},
};

impl<'b, S: Sink<'b>> Reader<'_, S> {
    /// Reads the object around all lists. It must have the list `name`. Returns its other members.
    pub(super) fn outermost(
        &mut self,
        name: &Name,
        at: &mut Cursor<'b>,
    ) -> Result<Members<'b>, DecodeError> {
        let mut members = Members::new(self.envelope.camel_case);
        let level = self.envelope.outer_lists.len();
        match self.holder((name, level), at, |key, at| members.take(key, at))? {
            true => Ok(members),
            false => Err(at.error("has no list of events")),
        }
    }

    /// Reads an object that has the list `name` of this level, and gives each other member to `other`. `false`: the
    /// object lacks the list.
    fn holder(
        &mut self,
        (name, level): (&Name, usize),
        at: &mut Cursor<'b>,
        mut other: impl FnMut(Cow<'b, str>, &mut Cursor<'b>) -> Result<(), DecodeError>,
    ) -> Result<bool, DecodeError> {
        let (mut found, mut otherwise) = (None, None);
        let mut more = at.open(b'{', b'}')?;
        while more {
            match at.member([name], self.envelope.camel_case)? {
                Member::Exact(_) if found.is_none() => found = Some(self.listed(level, at)?),
                Member::CamelCase(_) if otherwise.is_none() => otherwise = Some(at.skip()?),
                Member::Exact(_) | Member::CamelCase(_) => {
                    return Err(at.error("has its list of events twice"));
                }
                Member::Other(key) => {
                    let start = at.start();
                    other(key, at)?;
                    at.limit_depth(start, self.sink.max_depth())?;
                }
            }
            more = at.more(b'}')?;
        }
        match (found, otherwise) {
            (None, Some(range)) => self.listed(level, &mut at.moved(range.start)),
            (Some(found), Some(range)) => {
                at.moved(range.end).limit_depth(range.start, self.sink.max_depth())?;
                Ok(found)
            }
            (found, None) => Ok(found.unwrap_or(false)),
        }
    }

    /// Reads the list of this level. `false`: this is no list, and it is passed over. The outermost value must be one.
    fn listed(&mut self, level: usize, at: &mut Cursor<'b>) -> Result<bool, DecodeError> {
        if level < self.envelope.outer_lists.len() && at.peek() != Some(b'[') {
            return at.pass().map(|()| false);
        }
        match level.checked_sub(1).and_then(|inner| Some((self.envelope.list(inner)?, inner))) {
            None => {
                self.nesting.start = self.count;
                self.list(at)?;
            }
            Some(inner) => self.outer_list(inner, at)?,
        }
        Ok(true)
    }

    /// Reads a list whose elements are objects that have the list `inner`.
    // Not inlined: it would only be in the way of one list, as most senders have it.
    #[inline(never)]
    fn outer_list(
        &mut self,
        inner: (&Name, usize),
        at: &mut Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let depth = self.nesting.outer.len();
        self.nesting.outer.push(0);
        let mut more = at.open(b'[', b']')?;
        while more {
            let start = at.start();
            let is_holder = match at.peek() {
                Some(b'{') => self.holder(inner, at, |_, at| at.pass())?,
                _ => at.pass().map(|()| false)?,
            };
            if !is_holder {
                self.unknown(start, at, Ok(None))?;
            }
            self.nesting.outer[depth] += 1;
            more = at.more(b']')?;
        }
        self.nesting.outer.truncate(depth);
        Ok(())
    }
}

/// Where the events are that are being read.
#[derive(Default)]
pub(super) struct Nesting {
    /// The index in each outer list. Empty if there is one list or no list.
    outer: Vec<usize>,
    /// How many events there were in front of the innermost list.
    start: usize,
}

impl Nesting {
    /// The path of the event number `count`, as in `entry[0].changes[1]`.
    pub(super) fn path(&self, envelope: &Envelope, count: usize) -> String {
        let mut path = String::new();
        for (list, index) in envelope.outer_lists.iter().rev().zip(&self.outer) {
            path += &format!("{}[{index}].", list.as_str());
        }
        let list = envelope.list.as_ref().map_or("", Name::as_str);
        path + &format!("{list}[{}]", count - self.start)
    }
}

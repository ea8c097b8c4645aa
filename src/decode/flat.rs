//! Reads one event whose data is beside its type in one object: `{"type": …, "total": …}`.

use std::borrow::Cow;

use super::{
    Cursor, DecodeError, Decoded,
    duplicates::Once,
    name::{Member, Name},
    reader::{Reader, Sink, twice},
};

impl<'b, S: Sink<'b>> Reader<'_, S> {
    /// Looks for the name, and decodes the same object from its start.
    ///
    /// The first name found is believed as long as nothing behind it looks like another; else all members are looked at.
    pub(super) fn flat(
        &mut self,
        name: &Name,
        beside: Option<&Name>,
        at: &mut Cursor<'b>,
    ) -> Result<(), DecodeError> {
        let camel = self.envelope.camel_case;
        let start = at.position();
        let (mut event_type, mut camel_type) = (Once::NEVER, Once::NEVER);
        let (mut other, mut camel_other) = (Once::NEVER, Once::NEVER);
        let mut decoded = None;
        let mut more = at.open(b'{', b'}')?;
        while more {
            match at.member([name, beside.unwrap_or(name)], camel)? {
                Member::Exact(0) => {
                    event_type.add(at.event_type()?);
                    if decoded.is_none()
                        && other.once() == beside.is_some()
                        && let Some((route, event, ahead)) = self.ahead(&event_type, start, at)?
                    {
                        if at.until(&ahead).is_some_and(|rest| all_told(rest, [Some(name), beside]))
                        {
                            *at = ahead;
                            return self.known(start, at, route, event);
                        }
                        decoded = Some((route, event));
                    }
                }
                Member::CamelCase(0) => camel_type.add(at.event_type()?),
                Member::Exact(_) => other.add(Some(at.pass()?)),
                Member::CamelCase(_) => camel_other.add(Some(at.pass()?)),
                Member::Other(_) => at.pass()?,
            }
            more = at.more(b'}')?;
        }
        let complete = beside.is_none() || other.or(&camel_other).once();
        let event_type = event_type.or(&camel_type);
        if let Some((route, event)) = decoded {
            if complete && !event_type.repeated {
                return self.known(start, at, route, event);
            }
            self.discard(route, event);
        }
        match &event_type.first {
            _ if !complete => self.unknown(start, at, Ok(None)),
            _ if event_type.repeated => self.unknown(start, at, Err(twice(name, start))),
            Some(event_type) => self.rewound(event_type, start, at),
            None => self.unknown(start, at, Ok(None)),
        }
    }

    /// Decodes the object from its start, if `event_type` is that of a known event. Says where it ends, too.
    fn ahead(
        &mut self,
        event_type: &Once<Cow<'b, str>>,
        start: usize,
        at: &Cursor<'b>,
    ) -> Result<Option<Ahead<'b, S>>, DecodeError> {
        let event_type = event_type.first.as_ref().filter(|_| !event_type.repeated);
        let Some(route) = event_type.and_then(|event_type| self.sink.route(event_type)) else {
            return Ok(None);
        };
        let mut ahead = at.moved(start);
        let event = self.sink.decode(route, &mut ahead)?;
        Ok(Some((route, event, ahead)))
    }
}

/// An event, decoded before all of its object was looked at, and its end.
type Ahead<'b, S> = (<S as Sink<'b>>::Route, Decoded<<S as Sink<'b>>::Event>, Cursor<'b>);

/// Whether the rest of an object ends where one can, and none of `names` could stand in it once more.
fn all_told(rest: &str, names: [Option<&Name>; 2]) -> bool {
    rest.ends_with('}')
        && !rest.contains(r"\u00")
        && !names.into_iter().flatten().any(|name| name.may_stand_in(rest))
}

//! What `serde_json` alone finds in a body: the oracle for `decode::events`.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use tower_webhook::decode::{Envelope, Members};

/// An envelope with the names `Type`, `Data`, `Id`, `List` and `Outer`.
#[derive(Clone, Copy)]
pub struct Kind {
    tag: Tag,
    list: bool,
    /// The list is in the elements of another one.
    nested: bool,
    camel: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Tag {
    Adjacent,
    Flat,
    FlatBeside,
    Shape,
}

/// Both spellings of the list that holds the events, and of the one around it.
const LIST: [&str; 2] = ["List", "list"];
const OUTER: [&str; 2] = ["Outer", "outer"];

/// The name and the place of an event.
pub type Found = (Option<String>, Range<usize>);

impl Kind {
    /// The number has a bit for each choice: the lowest two are one of four. The digits of ASCII choose no nested list.
    pub fn chosen(choice: u8) -> Self {
        let tag = [Tag::Adjacent, Tag::Flat, Tag::FlatBeside, Tag::Shape][usize::from(choice % 4)];
        let bit = |bit: u8| choice / bit % 2 == 1;
        Self { tag, list: bit(4), nested: bit(4) && bit(64), camel: bit(8) }
    }

    pub fn envelope(self) -> Envelope {
        let envelope = match self.tag {
            Tag::Adjacent => Envelope::adjacent("Type", "Data"),
            Tag::Flat => Envelope::flat("Type"),
            Tag::FlatBeside => Envelope::flat_beside("Type", "Id"),
            Tag::Shape => Envelope::shape(|members| members.text("Type")),
        };
        let envelope = if self.list { envelope.within("List") } else { envelope };
        let envelope = if self.nested { envelope.within("Outer") } else { envelope };
        if self.camel { envelope.camel_case() } else { envelope }
    }

    /// The events of `body`; `None` if it is to be refused.
    pub fn events(self, body: &[u8]) -> Option<Vec<Found>> {
        let text = str::from_utf8(body).ok()?;
        let json = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
        if self.nested {
            return self.nested(body, json);
        }
        let elements = if self.list { self.listed(json, LIST)? } else { elements(json)? };
        elements.into_iter().map(|element| self.found(body, element)).collect()
    }

    fn found(self, body: &[u8], element: &RawValue) -> Option<Found> {
        Some((self.name(element)?, place(body, element)))
    }

    /// The events of the lists in the elements of the outer list. An element without its list is an event without a name.
    fn nested(self, body: &[u8], json: &RawValue) -> Option<Vec<Found>> {
        let mut all = Vec::new();
        for element in self.listed(json, OUTER)? {
            match self.held(element)? {
                Some(list) => {
                    for event in list {
                        all.push(self.found(body, event)?);
                    }
                }
                None if too_deep(element) => return None,
                None => all.push((None, place(body, element))),
            }
        }
        Some(all)
    }

    /// The list in an element of the outer list, if it has one; the outer `None` refuses the whole body.
    fn held(self, element: &RawValue) -> Option<Option<Vec<&RawValue>>> {
        let Some(Object(members)) = object(element) else { return Some(None) };
        let [exact, camel] = LIST.map(|name| values(&members, name));
        let camel = if self.camel { camel } else { Vec::new() };
        if exact.len() > 1 || camel.len() > 1 {
            return None;
        }
        let Some(list) = exact.first().or(camel.first()).filter(|list| list.get().starts_with('['))
        else {
            return Some(None);
        };
        let fit = members.iter().all(|(_, json)| std::ptr::eq(*json, *list) || !too_deep(json));
        fit.then(|| elements(list))
    }

    /// The list in the outer object, all other members of which must be such as can be looked at.
    fn listed<'b>(self, json: &'b RawValue, names: [&str; 2]) -> Option<Vec<&'b RawValue>> {
        let Object(members) = object(json)?;
        let other = |(key, _): &&(Key<'_>, &RawValue)| {
            *key.0 != *names[0].as_bytes() && !(self.camel && *key.0 == *names[1].as_bytes())
        };
        let others: Vec<_> = members.iter().filter(other).collect();
        let fit = others.len() <= Members::MAX && others.iter().all(|(_, json)| !too_deep(json));
        let [exact, camel] = names.map(|name| values(&members, name));
        match (&exact[..], &camel[..]) {
            (_, [_, _, ..]) if self.camel => None,
            ([one], _) => elements(one).filter(|_| fit && one.get().starts_with('[')),
            ([], [one]) if self.camel => {
                elements(one).filter(|_| fit && one.get().starts_with('['))
            }
            _ => None,
        }
    }

    /// What an element is called, if anything; the outer `None` refuses the whole body.
    fn name(self, element: &RawValue) -> Option<Option<String>> {
        if too_deep(element) {
            return None;
        }
        let Some(Object(members)) = object(element) else { return Some(None) };
        if self.tag == Tag::Shape && members.len() > Members::MAX {
            return None;
        }
        let is_event = self.tag != Tag::FlatBeside || self.only(&members, "Id").is_some();
        let text = |json: &RawValue| serde_json::from_str::<String>(json.get()).ok();
        let name = self.only(&members, "Type").filter(|_| is_event).and_then(text);
        Some(name.filter(|name| name.len() <= Envelope::MAX_TYPE))
    }

    fn only<'b>(self, members: &[(Key<'_>, &'b RawValue)], name: &str) -> Option<&'b RawValue> {
        only(members, name, self.camel)
    }
}

/// A member of the object that `body` is, in either spelling.
pub fn outer_member<'b>(body: &'b [u8], name: &str) -> Option<&'b RawValue> {
    let text = str::from_utf8(body).ok()?;
    let json = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
    only(&object(json)?.0, name, true)
}

/// The value of a member that stands there once, in camelCase if it never stands there exactly.
fn only<'b>(
    members: &[(Key<'_>, &'b RawValue)],
    name: &str,
    camel_case: bool,
) -> Option<&'b RawValue> {
    let mut found = values(members, name);
    if found.is_empty() && camel_case {
        let (first, rest) = name.split_at(1);
        found = values(members, &(first.to_ascii_lowercase() + rest));
    }
    if let [one] = found[..] { Some(one) } else { None }
}

/// The members of an object, as they stand there: a map would lose those that are repeated.
pub(crate) struct Object<'b>(pub(crate) Vec<(Key<'b>, &'b RawValue)>);

/// The name of a member. Some are no Unicode text.
#[derive(PartialEq)]
pub(crate) struct Key<'b>(Cow<'b, [u8]>);

/// The members of the object that `json` is, by name; `None` for a name that is no Unicode text.
pub fn members(json: &str) -> Option<Vec<(Option<String>, &RawValue)>> {
    let Object(members) = object(serde_json::from_str(json).ok()?)?;
    let named = |(key, json): (Key<'_>, _)| (String::from_utf8(key.0.into_owned()).ok(), json);
    Some(members.into_iter().map(named).collect())
}

/// `json`, if that is an object.
pub(crate) fn object(json: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(json.get()).ok()
}

/// All values of the members `name`.
pub(crate) fn values<'b>(members: &[(Key<'_>, &'b RawValue)], name: &str) -> Vec<&'b RawValue> {
    members.iter().filter(|(key, _)| *key.0 == *name.as_bytes()).map(|(_, json)| *json).collect()
}

/// The events of a list, or the one event that an object is.
fn elements(json: &RawValue) -> Option<Vec<&RawValue>> {
    match json.get().as_bytes() {
        [b'{', ..] => Some(vec![json]),
        [b'[', ..] => serde_json::from_str(json.get()).ok(),
        _ => None,
    }
}

fn place(body: &[u8], element: &RawValue) -> Range<usize> {
    let start = element.get().as_ptr().addr() - body.as_ptr().addr();
    start..start + element.get().len()
}

/// Whether an event is too deep for `serde_json` to decode it.
fn too_deep(json: &RawValue) -> bool {
    let (mut depth, mut deepest, mut quoted) = (0, 0, false);
    let mut bytes = json.get().bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest > 127
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(name.to_vec())))
            }

            fn visit_borrowed_bytes<E>(self, name: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

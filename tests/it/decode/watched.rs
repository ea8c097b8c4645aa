//! The second name of a flat event is found by whatever the type of the event reads of its object, and however it reads it.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::*;

/// Reads the payload as a `T`.
struct As<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for As<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|_| Self(PhantomData))
    }
}

impl<T: DeserializeOwned + Send + 'static> Payload for As<T> {
    type Provider = Acme;
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only decoded")]
struct Flattened {
    total: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(tag = "Action")]
enum Tagged {
    #[serde(rename = "paid")]
    Paid {},
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only decoded")]
enum Untagged {
    Text(String),
    Object(Paid),
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only decoded")]
struct Newtype(Paid);

#[derive(Deserialize)]
#[serde(transparent)]
#[expect(dead_code, reason = "it is only decoded")]
struct Transparent(Newtype);

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name(String);

/// Reads the names by `NAMES`, and each value by its own rules.
struct Object<const NAMES: usize>;

/// As bytes.
const BYTES: usize = 0;
/// The first two as text, and nothing else.
const FIRST: usize = 1;
/// The first two as text, and the others not at all.
const IGNORED: usize = 2;
/// Hides that a value does not fit.
const HIDING: usize = 3;
/// Passes over a name that it refuses, and reads those behind it not as text.
const REFUSING: usize = 4;

impl<'de, const NAMES: usize> Deserialize<'de> for Object<NAMES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_map(Self) {
            // As a type does that has a default for everything.
            Err(_) if [FIRST, HIDING, REFUSING].contains(&NAMES) => Ok(Self),
            read => read,
        }
    }
}

impl<'de, const NAMES: usize> Visitor<'de> for Object<NAMES> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        match NAMES {
            BYTES => while object.next_entry::<Bytes, IgnoredAny>()?.is_some() {},
            FIRST => {
                object.next_entry::<String, IgnoredAny>()?;
                object.next_entry::<String, IgnoredAny>()?;
            }
            IGNORED => {
                object.next_entry::<String, IgnoredAny>()?;
                object.next_entry::<String, IgnoredAny>()?;
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            }
            REFUSING => {
                object.next_entry::<Known, IgnoredAny>()?;
                object.next_entry::<Known, IgnoredAny>()?;
                while object.next_key::<Known>().is_err() {
                    object.next_value::<IgnoredAny>()?;
                    if object.next_entry::<IgnoredAny, IgnoredAny>()?.is_none() {
                        break;
                    }
                }
            }
            _ => {
                while object.next_key::<String>()?.is_some() {
                    drop(object.next_value::<u8>());
                }
            }
        }
        Ok(self)
    }
}

#[derive(Deserialize)]
enum Known {
    #[serde(rename = "id")]
    Id,
    Action,
}

/// A name as the bytes of its text.
struct Bytes;

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Self)
    }
}

impl Visitor<'_> for Bytes {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Self, E> {
        Ok(self)
    }
}

/// Looks at nothing.
struct Blind;

impl<'de> Deserialize<'de> for Blind {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

const TWICE: &str = "element `[0]`: has two members `Action` (byte 1)";
const UNKNOWN: &str = "raw None";

/// What follows the first members of the event, and what becomes of it.
const REST: [(&str, &str); 19] = [
    ("", "handled"),
    (r#","of":1"#, "handled"),
    (r#","Actions":1,"ction":2,"":3"#, "handled"),
    (r#","of":{"Action":"paid","id":1}"#, "handled"),
    (r#","of":"\"Action\":\"paid\",\"id\":1""#, "handled"),
    (r#","of":"\\","\\Action":1"#, "handled"),
    (r#","action":"new","Id":3"#, "handled"),
    (r#","\u0041ctionx":1,"\u0061ction":1"#, "handled"),
    (r#","Action":"paid""#, TWICE),
    (r#","Action":7"#, TWICE),
    (r#","Action":"paid","Action":"paid""#, TWICE),
    (r#" , "Action" : "new" "#, TWICE),
    (r#","\u0041ction":"new""#, TWICE),
    (r#","Actio\u006E":"new""#, TWICE),
    (r#","\u0041\u0063\u0074\u0069\u006f\u006e":"new","of":1"#, TWICE),
    (r#","of":{"Action":"paid"},"A\u0063tion":null"#, TWICE),
    (r#","id":2"#, UNKNOWN),
    (r#","i\u0064":2"#, UNKNOWN),
    (r#","\u0069\u0064":2,"of":1"#, UNKNOWN),
];

/// What becomes of the events of the body, if those of the type `paid` are a `T`.
#[track_caller]
fn seen_as<T: DeserializeOwned + Send + 'static>(envelope: Envelope, body: &str) -> Vec<String> {
    let log = Log::default();
    let (paid, other) = (log.clone(), log.clone());
    let router = EventRouter::<Acme>::new()
        .on_type("paid", async move |_: As<T>| paid.note("handled"))
        .fallback(async move |e: RawEvent| other.note(raw(&e)));
    drop(outcomes(dispatch(&router, envelope, body).unwrap()));
    log.seen()
}

#[track_caller]
fn a_second_name_is_found_by<T: DeserializeOwned + Send + 'static>() {
    for (rest, expected) in REST {
        let body =
            format!(r#"[{{"id":1,"Action":"paid","total":3{rest}}},{{"id":2,"Action":"x"}}]"#);
        let of = std::any::type_name::<T>();
        let seen = seen_as::<T>(Envelope::flat_beside("Action", "id"), &body);
        assert_eq!(seen, [expected, r#"raw Some("x")"#], "{of}: {body}");
    }
}

#[test]
fn a_second_name_is_found_by_types_of_every_kind() {
    a_second_name_is_found_by::<Paid>();
    a_second_name_is_found_by::<Flattened>();
    a_second_name_is_found_by::<BTreeMap<String, Value>>();
    a_second_name_is_found_by::<BTreeMap<Name, Value>>();
    a_second_name_is_found_by::<Value>();
    a_second_name_is_found_by::<Box<RawValue>>();
    a_second_name_is_found_by::<Option<Paid>>();
    a_second_name_is_found_by::<Newtype>();
    a_second_name_is_found_by::<Transparent>();
    a_second_name_is_found_by::<Untagged>();
    a_second_name_is_found_by::<IgnoredAny>();
}

#[test]
fn a_second_name_is_found_by_types_that_do_not_look_at_it() {
    a_second_name_is_found_by::<Blind>();
    a_second_name_is_found_by::<Object<BYTES>>();
    a_second_name_is_found_by::<Object<IGNORED>>();
    a_second_name_is_found_by::<Object<FIRST>>();
    a_second_name_is_found_by::<Object<HIDING>>();
    a_second_name_is_found_by::<Object<REFUSING>>();
}

/// The second name is the reason that is given.
#[test]
fn a_second_name_is_found_behind_what_does_not_fit() {
    for rest in [r#","Action":"new""#, r#","\u0041ction":"new","of":1"#] {
        let event = format!(r#"[{{"id":1,"Action":"paid","total":"x"{rest}}}]"#);
        assert_eq!(seen(Envelope::flat_beside("Action", "id"), event), [TWICE]);
    }
    let misfit = r#"[{"id":1,"Action":"paid","total":"x","of":1}]"#;
    let told = seen(Envelope::flat_beside("Action", "id"), misfit);
    assert!(told[0].contains("at `[0].total`"), "{told:?}");
}

/// serde refuses the second tag by itself, so that the event does not fit.
#[test]
fn a_second_tag_is_named_as_a_second_name() {
    let bodies = ["", r#","of":[]"#, r#","Action":"paid""#, r#","\u0041ction":"paid""#];
    let seen = bodies.map(|rest| {
        let body = format!(r#"{{"Action":"paid"{rest}}}"#);
        seen_as::<Tagged>(Envelope::flat("Action"), &body)
    });
    let twice = "element `[0]`: has two members `Action` (byte 0)";
    assert_eq!(seen.concat(), ["handled", "handled", twice, twice]);
}

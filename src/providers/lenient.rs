//! Values whose JSON type is not certain: what cannot be read is left to the raw JSON, and spares its event.

use std::fmt;

use serde::{
    Deserializer,
    de::{self, IgnoredAny},
};

/// A whole number, as a number or as text; anything else is `None`.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_any(Lenient(|found: Found<'_>| match found {
        Found::Integer(number) => i64::try_from(number).ok(),
        Found::Float(number) => whole(&number.to_string()),
        Found::Text(text) => whole(text),
        Found::Truth(_) => None,
    }))
}

/// A text, a number or a truth value, as text; anything else is `None`.
pub(super) fn text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    let text = |found: Found<'_>| match found {
        Found::Integer(number) => number.to_string(),
        Found::Float(number) => number.to_string(),
        Found::Text(text) => text.to_owned(),
        Found::Truth(truth) => truth.to_string(),
    };
    deserializer.deserialize_any(Lenient(|found: Found<'_>| Some(text(found).into())))
}

/// The number, which may have a fraction of zeros.
fn whole(text: &str) -> Option<i64> {
    match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole.parse().ok(),
        _ => text.parse().ok(),
    }
}

/// A scalar in JSON.
enum Found<'a> {
    Integer(i128),
    Float(f64),
    Text(&'a str),
    Truth(bool),
}

/// Makes what it can of a scalar, and nothing of a list, an object or null.
struct Lenient<F>(F);

impl<'de, T, F: FnOnce(Found<'_>) -> Option<T>> de::Visitor<'de> for Lenient<F> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(self.0(Found::Truth(truth)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.0(Found::Integer(number.into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0(Found::Integer(number.into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.0(Found::Float(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0(Found::Text(text)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_however_they_are_written() {
        let read = |json: &str| number(&mut serde_json::Deserializer::from_str(json)).unwrap();
        for json in [
            "1600000000000000",
            "\"1600000000000000\"",
            "1600000000000000.0",
            "1.6e15",
            "\"1600000000000000.00\"",
        ] {
            assert_eq!(read(json), Some(1_600_000_000_000_000), "{json}");
        }
        for json in [
            "null",
            "\"\"",
            "\" 1\"",
            "1.5",
            "\"1.5\"",
            "true",
            "[1]",
            "{\"a\":1}",
            "1e300",
            "18446744073709551615",
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn text_of_any_scalar() {
        let read =
            |json: &str| text::<_, String>(&mut serde_json::Deserializer::from_str(json)).unwrap();
        for (json, text) in [
            ("\"a\"", "a"),
            ("7", "7"),
            ("-7", "-7"),
            ("1.5", "1.5"),
            ("true", "true"),
            ("\"\"", ""),
        ] {
            assert_eq!(read(json).as_deref(), Some(text), "{json}");
        }
        for json in ["null", "[\"a\"]", "{\"a\":1}"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}

//! Values whose JSON type is not certain: what cannot be read is left to the raw JSON, and spares its event.

use std::{fmt, str::FromStr};

use serde::{
    Deserializer,
    de::{self, IgnoredAny},
};

/// A whole number, as a number or as text; anything else is `None`.
pub(super) fn number<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    Ok(scalar(deserializer)?.and_then(|text| whole(&text).parse().ok()))
}

/// A text, a number or a truth value, as text; anything else is `None`.
pub(super) fn text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    Ok(scalar(deserializer)?.map(Into::into))
}

/// Without a fraction of zeros.
fn whole(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
        _ => text,
    }
}

fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(Scalar)
}

struct Scalar;

impl<'de> de::Visitor<'de> for Scalar {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Some(truth.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
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
        let read =
            |json: &str| number::<_, i64>(&mut serde_json::Deserializer::from_str(json)).unwrap();
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

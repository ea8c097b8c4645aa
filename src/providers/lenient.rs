//! Values whose JSON type is not certain. A value that cannot be read is only in the raw JSON, and its event does not fail.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};

/// A whole number, written as a number or as text. Any other value is `None`.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_any(Lenient(|found: Found<'_>| match found {
        Found::Integer(number) => i64::try_from(number).ok(),
        Found::Float(number) => certain(number),
        Found::Number(text) => whole(text).or_else(|| certain(text.parse().ok()?)),
        Found::Text(text) => whole(text),
        Found::Truth(_) => None,
    }))
}

/// A text, a number or a truth value, as text. Any other value is `None`. A fraction is written in its shortest form.
pub(super) fn text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    let text = |found: Found<'_>| match found {
        Found::Integer(number) => number.to_string(),
        // With an exponent if it would be long: 1e308 has 309 digits.
        Found::Float(number) => format!("{number:?}"),
        Found::Number(text) | Found::Text(text) => text.to_owned(),
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

/// The number, if it is whole, and so small that it differs from its neighbours and from fractions.
#[expect(clippy::as_conversions, reason = "exact for a whole number below the limit")]
fn certain(number: f64) -> Option<i64> {
    const LIMIT: f64 = (1_u64 << 52) as f64;
    let certain = number.fract() == 0.0 && number.abs() < LIMIT;
    certain.then_some(number as i64)
}

/// A scalar in JSON.
enum Found<'a> {
    Integer(i128),
    Float(f64),
    /// A number as it is written.
    Number(&'a str),
    Text(&'a str),
    Truth(bool),
}

/// Converts a scalar if it can be converted. A list, an object or null is `None`.
struct Lenient<F>(F);

/// With the feature `arbitrary_precision`, which any crate of the build can switch on, `serde_json` hands over a number as
/// an object that has this one name.
const NUMBER: &str = "$serde_json::private::Number";

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
        let mut number = None;
        while let Some(Text(name)) = object.next_key()? {
            match name.as_deref() {
                Some(NUMBER) => number = object.next_value::<Text>()?.0,
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(number.and_then(|number| self.0(Found::Number(&number))))
    }
}

/// A text. `None` for any other value.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = |found: Found<'_>| match found {
            Found::Text(text) => Some(text.to_owned()),
            _ => None,
        };
        deserializer.deserialize_any(Lenient(text)).map(Self)
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
            "9007199254740993e0",
            "4503599627370497.5",
            "1.25e0",
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
            ("7.0", "7.0"),
            ("1e-7", "1e-7"),
            ("18446744073709551615", "18446744073709551615"),
            ("true", "true"),
            (r#""\u00e9""#, "é"),
            ("\"\"", ""),
        ] {
            assert_eq!(read(json).as_deref(), Some(text), "{json}");
        }
        assert!(read("1e308").unwrap().len() < 10, "not 309 digits");
        for json in [
            "null",
            "[\"a\"]",
            "{\"a\":1}",
            r#"{"$serde_json::private::Number":[1],"a":2}"#,
            r#"{"$serde_json::private::Number":null}"#,
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn without_json_text_values_are_taken_as_they_are_found() {
        use de::value::{F64Deserializer, StrDeserializer, U64Deserializer, UnitDeserializer};

        type Plain = de::value::Error;
        assert_eq!(number(U64Deserializer::<Plain>::new(7)), Ok(Some(7)));
        assert_eq!(number(F64Deserializer::<Plain>::new(7.0)), Ok(Some(7)));
        assert_eq!(number(StrDeserializer::<Plain>::new("7")), Ok(Some(7)));
        assert_eq!(number(UnitDeserializer::<Plain>::new()), Ok(None));
        assert_eq!(text(F64Deserializer::<Plain>::new(1.5)), Ok(Some("1.5".to_owned())));
    }

    #[test]
    fn a_value_in_memory_is_read_as_its_text_is() {
        for (json, expected) in [("7", Some(7)), ("\"7\"", Some(7)), ("[7]", None), ("null", None)]
        {
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(number(value).unwrap(), expected, "{json}");
        }
    }
}

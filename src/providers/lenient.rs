//! Values whose JSON type is not certain: what cannot be read is left to the raw JSON, and spares its event.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};

/// A whole number, as a number or as text; anything else is `None`.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match scalar(deserializer)? {
        Some(Scalar::Number(number)) => whole(&number).or_else(|| whole(&spelt_out(&number)?)),
        Some(Scalar::Text(text)) => whole(&text),
        _ => None,
    })
}

/// A text, a number or a truth value, as text; anything else is `None`. A number stays as it is written.
pub(super) fn text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    Ok(scalar(deserializer)?.map(|scalar| match scalar {
        Scalar::Number(text) | Scalar::Text(text) => text.into_owned().into(),
        Scalar::Truth(truth) => truth.to_string().into(),
    }))
}

/// The number, which may have a fraction of zeros.
fn whole(text: &str) -> Option<i64> {
    match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole.parse().ok(),
        _ => text.parse().ok(),
    }
}

/// A number that is written with an exponent, without it.
fn spelt_out(number: &str) -> Option<String> {
    let number: f64 = number.contains(['e', 'E']).then(|| number.parse().ok())??;
    Some(number.to_string())
}

/// A value in JSON that is no list, no object and not null.
enum Scalar<'a> {
    /// As it is written.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Truth(bool),
}

impl<'a> Scalar<'a> {
    fn of(Json(json): Json<'a>) -> Option<Self> {
        match json.as_bytes().first()? {
            b'"' => Json::unquoted(json).map(Self::Text),
            b't' | b'f' => Some(Self::Truth(json == "true")),
            b'[' | b'{' | b'n' => None,
            _ => Some(Self::Number(json)),
        }
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Json<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Json<'a> {
    fn unquoted(text: Cow<'a, str>) -> Option<Cow<'a, str>> {
        match text {
            Cow::Borrowed(text) => serde_json::from_str(text).ok().map(|Self(text)| text),
            Cow::Owned(text) => serde_json::from_str(&text).ok().map(Cow::Owned),
        }
    }
}

/// Reads the JSON text: how `serde_json` hands over a number depends on features that any crate of the build can switch
/// on. Another deserializer has no JSON text, and hands over what it has.
fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Scalar<'de>>, D::Error> {
    deserializer.deserialize_newtype_struct(RAW, AsWritten)
}

/// By this name `serde_json` is asked for JSON text, as its `RawValue` asks, and so it names the text.
const RAW: &str = "$serde_json::private::RawValue";

struct AsWritten;

impl<'de> de::Visitor<'de> for AsWritten {
    type Value = Option<Scalar<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, any: D) -> Result<Self::Value, D::Error> {
        any.deserialize_any(self)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while let Some(Json(name)) = object.next_key()? {
            if name == RAW {
                return object.next_value().map(Scalar::of);
            }
            object.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Truth(truth)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Number(number.to_string().into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Number(number.to_string().into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Number(number.to_string().into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Text(text.to_owned().into())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
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
            ("1.50", "1.50"),
            ("7.0", "7.0"),
            ("1.7e15", "1.7e15"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("true", "true"),
            (r#""\u00e9""#, "é"),
            ("\"\"", ""),
        ] {
            assert_eq!(read(json).as_deref(), Some(text), "{json}");
        }
        for json in ["null", "[\"a\"]", "{\"a\":1}", r#""\ud800""#] {
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

//! `Form`: a body of the media type `application/x-www-form-urlencoded`, read and written.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use super::DecodeError;

/// The fields of an `application/x-www-form-urlencoded` body, decoded, in the order of the body.
///
/// Some senders put their JSON into a field of a form. [`Form::get`] takes it out:
///
/// ```
/// use tower_webhook::decode::Form;
///
/// let form = Form::parse(b"payload=%7B%22total%22%3A+3%7D&version=2")?;
/// assert_eq!(form.get("payload")?, r#"{"total": 3}"#);
/// assert_eq!(form.get("id").unwrap_err().to_string(), "the body has no field `id`");
/// # Ok::<_, tower_webhook::decode::DecodeError>(())
/// ```
///
/// The sending half writes it. A form that was written is read as the same form:
///
/// ```
/// use tower_webhook::decode::Form;
///
/// let form = Form::default().with("payload", r#"{"total": 3}"#).with("version", "2");
/// let body = form.to_string();
/// assert_eq!(body, "payload=%7B%22total%22%3A+3%7D&version=2");
/// assert_eq!(Form::parse(body.as_bytes())?, form);
/// # Ok::<_, tower_webhook::decode::DecodeError>(())
/// ```
///
/// `Debug` shows the number of fields only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// The maximum number of fields that [`Form::parse`] reads.
    pub const MAX_FIELDS: usize = 1000;

    /// Reads a body. A `+` is a blank. A `%` without two hexadecimal digits behind it is a percent sign. A field without a
    /// `=` has an empty value. Nothing between two `&` is not a field.
    ///
    /// # Errors
    ///
    /// If a name or a value is not UTF-8 once it is decoded, or if there are more than [`Form::MAX_FIELDS`] fields.
    pub fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let (mut fields, mut next) = (Vec::new(), 0);
        for field in body.split(|byte| *byte == b'&') {
            let start = next;
            next += field.len() + 1;
            if field.is_empty() {
                continue;
            }
            if fields.len() == Self::MAX_FIELDS {
                let why = format!("has more than {} fields", Self::MAX_FIELDS);
                return Err(DecodeError::new(start, why));
            }
            let pair = pair(field);
            fields.push(
                pair.ok_or_else(|| DecodeError::new(start, "has a field that is not UTF-8"))?,
            );
        }
        Ok(Self { fields })
    }

    /// Adds a field at the end.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// The value of the only field `name`.
    ///
    /// # Errors
    ///
    /// If there is no such field, or more than one. The error repeats `name` and no value.
    pub fn get(&self, name: &str) -> Result<&str, DecodeError> {
        let mut values = self.pairs().filter(|(key, _)| *key == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value),
            (None, _) => Err(DecodeError::body(format!("has no field `{name}`"))),
            (Some(_), Some(_)) => {
                Err(DecodeError::body(format!("has more than one field `{name}`")))
            }
        }
    }

    /// As [`Form::get`], for a value that outlives the form.
    ///
    /// # Errors
    ///
    /// As [`Form::get`].
    pub fn take(self, name: &str) -> Result<String, DecodeError> {
        self.get(name)?;
        let found = self.fields.into_iter().find(|(key, _)| key == name);
        Ok(found.map(|(_, value)| value).unwrap_or_default())
    }

    /// The names and values of all fields, in the order of the body.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// Writes the body as browsers do: letters, digits and `*-._` as they are, a blank as `+`, all other bytes escaped.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.pairs().enumerate() {
            f.write_str(if index == 0 { "" } else { "&" })?;
            encode(name, f)?;
            f.write_str("=")?;
            encode(value, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("count", &self.fields.len()).finish_non_exhaustive()
    }
}

/// The name and the value of a field.
fn pair(field: &[u8]) -> Option<(String, String)> {
    let mut parts = field.splitn(2, |byte| *byte == b'=');
    let mut part = || decode(parts.next().unwrap_or_default());
    Some((part()?, part()?))
}

fn decode(text: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    for (index, word) in text.split(|byte| *byte == b'+').enumerate() {
        if index > 0 {
            decoded.push(b' ');
        }
        decoded.extend(percent_decode(word));
    }
    String::from_utf8(decoded).ok()
}

fn encode(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, word) in text.split(' ').enumerate() {
        f.write_str(if index == 0 { "" } else { "+" })?;
        write!(f, "{}", utf8_percent_encode(word, ESCAPED))?;
    }
    Ok(())
}

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

//! `Personal`: text about a person, which `Debug` does not show.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

/// Text about a person, such as a name or an address. It can be used like a `str`. `Debug` hides it, so that an event can be
/// logged.
///
/// ```
/// use tower_webhook::providers::Personal;
///
/// let email = Personal::from("pupil@example.com");
/// assert_eq!(&*email, "pupil@example.com");
/// assert_eq!(format!("{email:?}"), "[redacted]");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Personal(String);

impl Deref for Personal {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Personal {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Personal {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Personal> for String {
    fn from(text: Personal) -> Self {
        text.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_out_as_it_went_in() {
        for text in ["", "Zoë"] {
            for personal in [Personal::from(text), String::from(text).into()] {
                assert_eq!(&*personal, text);
                assert_eq!(String::from(personal), text);
            }
        }
    }
}

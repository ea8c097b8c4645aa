use std::borrow::Cow;

use super::{Cursor, DecodeError};

/// The name of a member of the envelope.
#[derive(Clone, Debug)]
pub(super) struct Name {
    text: Cow<'static, str>,
    /// JSON has only one way to write it without escapes, and no escape but `\u` writes a part of it.
    plain: bool,
}

/// Which of the names looked for the next member has.
pub(super) enum Member<'b> {
    Exact(usize),
    CamelCase(usize),
    Other(Cow<'b, str>),
}

impl Name {
    pub(super) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        Self { text, plain }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a member of this name could stand in `json`, which has no escapes of the form `\u`. May say yes wrongly,
    /// never no.
    pub(super) fn may_stand_in(&self, json: &str) -> bool {
        !self.plain || json.contains(&*self.text)
    }
}

impl<'b> Cursor<'b> {
    /// Passes over the name of the next member and its colon.
    #[inline(always)]
    pub(super) fn member<const N: usize>(
        &mut self,
        names: [&Name; N],
        or_camel_case: bool,
    ) -> Result<Member<'b>, DecodeError> {
        self.peek();
        for (index, name) in names.into_iter().enumerate() {
            if name.plain && self.eat_name(&name.text) {
                return Ok(Member::Exact(index));
            }
        }
        let key = self.key()?;
        Ok(if let Some(index) = names.iter().position(|name| key == name.text) {
            Member::Exact(index)
        } else if or_camel_case
            && let Some(index) = names.iter().position(|name| is_camel_case_of(&key, &name.text))
        {
            Member::CamelCase(index)
        } else {
            Member::Other(key)
        })
    }
}

/// Whether `key` is `name` with its first letter in lower case.
pub(super) fn is_camel_case_of(key: &str, name: &str) -> bool {
    let (mut key, mut name) = (key.chars(), name.chars());
    match (key.next(), name.next()) {
        (Some(first), Some(upper)) => {
            first == upper.to_ascii_lowercase() && key.as_str() == name.as_str()
        }
        _ => false,
    }
}

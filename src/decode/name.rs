//! `Name`: the name of a member in the envelope, and how it is found in a body: exact, escaped or in camelCase.

use std::borrow::Cow;

use super::{Cursor, DecodeError, Envelope};

/// The name of a member that the envelope looks for.
#[derive(Clone, Debug)]
pub(super) struct Name {
    text: Cow<'static, str>,
    /// It has only ASCII letters, digits and `_`. So it has one spelling without escapes.
    plain: bool,
}

/// Which of the names the next member has, by their index.
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

    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }
}

impl<'b> Cursor<'b> {
    /// The straight path: if an object is here whose first member is `first` with a plain string, and whose second is
    /// `second`, then moves to the value of the second and returns the string. If anything is different, does not move.
    // Inlined: this is all that is done for most events, and the names are then compared in registers.
    #[inline(always)]
    pub(super) fn straight_to(&mut self, first: &Name, second: &Name) -> Option<&'b str> {
        let start = self.position();
        let text = self.first_text(first, second);
        if text.is_none() {
            *self = self.moved(start);
        }
        text
    }

    // Inlined: a part of `straight_to`.
    #[inline(always)]
    fn first_text(&mut self, first: &Name, second: &Name) -> Option<&'b str> {
        let text = (self.eat(b'{') && self.eat_name(&first.text)).then(|| self.plain_text())??;
        let fits = text.len() <= Envelope::MAX_TYPE;
        (fits && self.eat(b',') && self.eat_name(&second.text)).then_some(text)
    }

    /// Moves past the name of the next member and its colon.
    // Inlined: called for each member, and the loop over the names is then unrolled.
    #[inline(always)]
    pub(super) fn member<const N: usize>(
        &mut self,
        names: [&Name; N],
        camel_case: bool,
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
        } else if camel_case
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn camel_case_differs_in_the_first_letter_only() {
        for (key, name) in [("action", "Action"), ("a", "A"), ("x-id", "x-id"), ("été", "été")]
        {
            assert!(is_camel_case_of(key, name), "{key} {name}");
        }
        for (key, name) in [
            ("Action", "Action"),
            ("actor", "Action"),
            ("xction", "Action"),
            ("actionType", "Action"),
            ("ACTION", "Action"),
            ("", "Action"),
            ("action", ""),
            ("", ""),
        ] {
            assert!(!is_camel_case_of(key, name), "{key} {name}");
        }
    }
}

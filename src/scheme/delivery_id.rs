//! The id of a delivery, stored without an allocation if it is short.

use std::fmt;

/// The id of a delivery. If it is at most as long as a UUID in braces, then it needs no allocation.
#[derive(Clone)]
pub(crate) enum DeliveryId {
    Short { len: u8, bytes: [u8; Self::SHORT] },
    Long(Box<str>),
}

impl DeliveryId {
    const SHORT: usize = 38;

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Short { len, bytes } => {
                let bytes = bytes.get(..usize::from(*len)).unwrap_or_default();
                std::str::from_utf8(bytes).unwrap_or_default()
            }
            Self::Long(id) => id,
        }
    }
}

impl From<&str> for DeliveryId {
    #[inline]
    fn from(id: &str) -> Self {
        let mut bytes = [0; Self::SHORT];
        match (bytes.get_mut(..id.len()), u8::try_from(id.len())) {
            (Some(start), Ok(len)) => {
                start.copy_from_slice(id.as_bytes());
                Self::Short { len, bytes }
            }
            _ => Self::Long(id.into()),
        }
    }
}

/// Whether `id` is visible ASCII. If so, then it is the same in a header, in a log and in a database.
pub(crate) fn is_visible(id: &str) -> bool {
    // Without an early exit, so that many bytes are compared at once.
    id.bytes().fold(true, |visible, b| visible & b.is_ascii_graphic())
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_kept() {
        for id in ["", "msg_1", &"é".repeat(19), &"é".repeat(20), &"x".repeat(300)] {
            let kept = DeliveryId::from(id);
            assert_eq!(kept.as_str(), id);
            assert_eq!(format!("{kept:?}"), format!("{id:?}"));
            assert_eq!(matches!(kept, DeliveryId::Short { .. }), id.len() <= DeliveryId::SHORT);
        }
        assert_eq!(size_of::<DeliveryId>(), 40);
    }
}

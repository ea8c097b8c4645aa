//! One hash of several parts.

use sha2::{Digest, Sha256};

/// SHA-256 of the parts, each with its length, so that different lists of parts are different texts. An absent part is another
/// one than an empty part.
pub(crate) fn hash_of_parts<'a>(parts: impl IntoIterator<Item = Option<&'a [u8]>>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update([u8::from(part.is_some())]);
        hash.update(part.map_or(0, <[u8]>::len).to_string());
        hash.update(":");
        hash.update(part.unwrap_or_default());
    }
    hash.finalize().into()
}

//! The keys by which copies and orders are recognised.

use super::Hash;
use crate::util::parts::hash_of_parts;

/// The parts that two deliveries must share so that they can have one key.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) source: &'a str,
    pub(super) tenant: Option<&'a str>,
    /// Two clients may have a secret each. Otherwise one could use up an id that the other is going to use.
    pub(super) key_id: Option<&'a str>,
}

impl Scope<'_> {
    /// The key of `id` within this scope.
    pub(super) fn key(self, id: &[u8]) -> Hash {
        let Self { source, tenant, key_id } = self;
        let parts = [Some(source.as_bytes()), tenant.map(str::as_bytes), key_id.map(str::as_bytes)];
        hash_of_parts(parts.into_iter().chain([Some(id)]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_scopes_share_a_key() {
        let scope = |source, tenant, key_id| Scope { source, tenant, key_id };
        let keys = [
            scope("a", None, None).key(b"1"),
            scope("a", Some(""), None).key(b"1"),
            scope("a", None, Some("")).key(b"1"),
            scope("a", Some("b"), None).key(b"1"),
            scope("a", None, Some("b")).key(b"1"),
            scope("a1:", None, None).key(b""),
            scope("a", None, None).key(b""),
            scope("b", None, None).key(b"1"),
        ];
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
    }
}

//! The headers of a request, and what of them is signed.

use std::time::Duration;

use http::HeaderName;

use crate::scheme::{Head, Timestamp, VerifyError, is_visible};

/// The names of one family of headers.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) id: HeaderName,
    pub(super) timestamp: HeaderName,
    pub(super) signature: HeaderName,
}

pub(super) static STANDARD: Names = Names {
    id: HeaderName::from_static("webhook-id"),
    timestamp: HeaderName::from_static("webhook-timestamp"),
    signature: HeaderName::from_static("webhook-signature"),
};

pub(super) static SVIX: Names = Names {
    id: HeaderName::from_static("svix-id"),
    timestamp: HeaderName::from_static("svix-timestamp"),
    signature: HeaderName::from_static("svix-signature"),
};

impl Names {
    pub(super) fn no_id(&self) -> String {
        format!("header `{}` is empty, or holds a dot, a blank or a tab", self.id)
    }
}

/// What is signed beside the body, and its signatures.
pub(super) struct Signed<'a> {
    pub(super) id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
}

impl<'a> Signed<'a> {
    /// From the headers of one family. Of two, it is the other one if the first has no signature.
    #[inline]
    pub(super) fn of(
        head: &Head<'a>,
        names: &Names,
        or_names: Option<&Names>,
        tolerance: Duration,
    ) -> Result<Self, VerifyError> {
        let names = or_names.map_or(names, |other| chosen(head, names, other));
        let id = head.public_header(&names.id)?;
        if !is_id(id) {
            return Err(VerifyError::Other(names.no_id().into()));
        }
        let timestamp = head.public_header(&names.timestamp)?;
        Timestamp::seconds(timestamp)?.within(tolerance, head.now())?;
        Ok(Self { id, timestamp, signatures: head.header(&names.signature)? })
    }

    /// Those of this version, without its name.
    pub(super) fn signatures(&self, version: &str) -> impl Iterator<Item = &'a str> {
        self.signatures.split(' ').filter_map(move |one| one.strip_prefix(version))
    }

    /// What is signed before the body.
    pub(super) fn parts(&self) -> [&'a str; 4] {
        [self.id, ".", self.timestamp, "."]
    }
}

/// The first, unless it has no signature. Both are read, so that handlers see neither.
fn chosen<'n>(head: &Head<'_>, first: &'n Names, other: &'n Names) -> &'n Names {
    let _ = (head.header(&first.signature), head.header(&other.signature));
    if head.has(&first.signature) { first } else { other }
}

/// With a dot in the id, the end of the id in `id.timestamp.body` would be ambiguous.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty() && !id.contains('.') && is_visible(id)
}

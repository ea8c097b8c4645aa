//! Finds in a request the same facts as a receiver of it.

use std::borrow::Cow;

use crate::{
    Emit,
    provider::envelope,
    scheme::{Authentic, DeliveryId},
};

use super::forge::Forged;

/// The facts about a request that must be proven.
pub(super) struct Facts {
    id: Option<String>,
    key: Option<String>,
    /// The number of events. `None` if the body cannot be read.
    events: Option<usize>,
}

impl Facts {
    /// The difference between these facts and those of a forged request, in words.
    pub(super) fn unlike(&self, forged: &Self) -> Option<&'static str> {
        // A body that cannot be read is answered 400.
        if forged.events.is_none() && self.events.is_some() {
            return None;
        }
        let differs = [
            (self.id != forged.id, "took another id from a"),
            (self.key != forged.key, "took the name of another key from a"),
            (self.events != forged.events, "took other events from a"),
        ];
        differs.into_iter().find_map(|(differs, words)| differs.then_some(words))
    }
}

pub(super) fn facts<P: Emit>(provider: &P, request: &Forged, proof: &Authentic) -> Facts {
    let (in_body, events) = in_body(provider, request, proof).unzip();
    let in_head = || Some(proof.id.as_ref().map(DeliveryId::as_str)?.to_owned());
    let key = proof.key_id().map(str::to_owned);
    Facts { id: in_body.flatten().or_else(in_head), key, events }
}

/// The id in the body, and the number of events.
fn in_body<P: Emit>(
    provider: &P,
    request: &Forged,
    proof: &Authentic,
) -> Option<(Option<String>, usize)> {
    let (unpacked, mut events) = (provider.unpack(request.body.clone()).ok()?, 0);
    let outer = envelope(provider, proof.event_type.as_deref())
        .find(&unpacked.body, |_| events += 1)
        .ok()?;
    let id = provider.describe(&outer).id.or(unpacked.described.id).map(Cow::into_owned);
    Some((id, events))
}

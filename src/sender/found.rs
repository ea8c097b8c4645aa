//! Finds in a request the same facts as a receiver of it.

use crate::{Emit, decode::Envelope, scheme::Authentic};

/// The envelope that a receiver reads the body with.
pub(super) fn envelope<P: Emit>(provider: &P, proof: &Authentic) -> Envelope {
    match &proof.event_type {
        Some(event_type) => Envelope::named(event_type.to_string()),
        None => provider.envelope(),
    }
}

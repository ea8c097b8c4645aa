//! A sender that this crate only receives from, with the private key that the vendor keeps.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{Response, request::Parts};
use tower_webhook::{
    Draft, Emit, Outgoing, Policy, Provider, Unpacked,
    decode::{DecodeError, Envelope},
    error::SendError,
    scheme::{Authentic, Check, Head, VerifyError},
};

type Sign = dyn Fn(&mut Parts, &[u8], &Outgoing) + Send + Sync;

#[derive(Clone)]
pub(crate) struct Signing<P> {
    pub(crate) receiver: P,
    pub(crate) encode: fn(&[Draft]) -> Result<Bytes, SendError>,
    pub(crate) sign: Arc<Sign>,
}

impl<P: Provider> Provider for Signing<P> {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.receiver.authenticate(head)
    }

    fn envelope(&self) -> Envelope {
        self.receiver.envelope()
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        self.receiver.unpack(body)
    }

    fn answer(&self, proof: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        self.receiver.answer(proof, body)
    }

    fn policy(&self) -> Policy {
        self.receiver.policy()
    }

    fn name(&self) -> Cow<'static, str> {
        self.receiver.name()
    }
}

impl<P: Provider> Emit for Signing<P> {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        (self.encode)(events)
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        (self.sign)(head, body, outgoing);
    }
}

pub(crate) fn one(events: &[Draft]) -> Result<&Draft, SendError> {
    match events {
        [event] => Ok(event),
        several => Err(SendError::NotOneEvent(several.len())),
    }
}

/// The time of an attempt, in seconds.
pub(crate) fn seconds(outgoing: &Outgoing) -> String {
    outgoing.now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().to_string()
}

pub(crate) fn set(head: &mut Parts, name: &'static str, value: String) {
    head.headers.insert(name, value.try_into().unwrap());
}

//! What all themes need: keys, providers, a log of what handlers saw.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower_webhook::{
    providers::{
        learn365::Learn365, loops::Loops, standard_webhooks::StandardWebhooks, synthesis_vr::SynthesisVr,
        teachstack::Teachstack,
    },
    scheme::Token,
};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789ABC-_f";
pub(crate) const OTHER_TOKEN: &str = "another-token-of-32-characters-0";
pub(crate) const SECRET: &str = "learn365's own secret, 40 characters long";
pub(crate) const OTHER_SECRET: &str = "not learn365's secret, 40 characters long";
pub(crate) const WHSEC: &str = "whsec_b3VyIG93biBzZWNyZXQsIG5vYm9keSBlbHNlJ3M=";
pub(crate) const OTHER_WHSEC: &str = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbm90IG91cnM=";

pub(crate) fn path_token() -> Token {
    Token::path(TOKEN).unwrap()
}

pub(crate) fn loops() -> Loops {
    Loops::new(path_token())
}

pub(crate) fn synthesis_vr() -> SynthesisVr {
    SynthesisVr::new(path_token())
}

pub(crate) fn teachstack() -> Teachstack {
    Teachstack::new(path_token())
}

pub(crate) fn learn365() -> Learn365 {
    Learn365::new(SECRET).unwrap()
}

pub(crate) fn standard_webhooks() -> StandardWebhooks {
    StandardWebhooks::new(WHSEC).unwrap()
}

/// What handlers saw, in order. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A POST to the place where a path token stands.
pub(crate) fn post(token: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(format!("/hook/{token}")).body(Full::new(body.into())).unwrap()
}

/// The whole of an answer's body.
pub(crate) async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

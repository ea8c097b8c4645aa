//! The echo: checks the answer of an endpoint before it is registered.

use bytes::Bytes;
use http::{Request, Response, Uri, header};

use super::{Emulator, headers};
use crate::{
    Body,
    providers::learn365::{Registration, target},
    sender::{deliveries::client::Attempted, headers::leave_out_content, random_id},
};

impl Emulator {
    /// Sends `GET <path>?echo=<32 hex digits>`, unsigned, with the registration's headers, except for headers of a body.
    ///
    /// # Errors
    ///
    /// The fault of the answer in words.
    pub(super) async fn try_endpoint(&self, registration: &Registration) -> Result<(), String> {
        let token = random_id();
        let request = Request::get(with_echo(registration.uri(), &token).ok_or("no such URI")?)
            .body(Body::default())
            .map_err(|error| error.to_string())?;
        let mut extra = headers(registration);
        leave_out_content(&mut extra);
        let Attempted { answer, .. } = self.deliveries.client().attempt(request, &extra).await;
        let answer = answer.map_err(|error| error.to_string())?;
        match text(&answer)? == token.as_bytes() {
            true => Ok(()),
            false => Err("the answer is not exactly the value of `echo`".into()),
        }
    }
}

/// The URI with only the echo in its query.
fn with_echo(uri: &str, token: &str) -> Option<Uri> {
    let mut parts = target(uri).ok()?.into_parts();
    let path = parts.path_and_query.as_ref().map_or("/", |path| path.path());
    parts.path_and_query = Some(format!("{path}?echo={token}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// The text of a successful answer.
fn text(answer: &Response<Option<Bytes>>) -> Result<&[u8], String> {
    if !answer.status().is_success() {
        return Err(format!("the answer is {}", answer.status()));
    }
    let coding = answer.headers().get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| coding != "identity") {
        return Err("the answer is compressed".into());
    }
    let media_type = answer.headers().get(header::CONTENT_TYPE);
    let media_type = media_type.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let parameters = media_type.iter().flat_map(|media_type| media_type.split(';').skip(1));
    for parameter in parameters {
        let (name, charset) = parameter.split_once('=').unwrap_or_default();
        let utf_8 = charset.trim().eq_ignore_ascii_case("utf-8");
        if name.trim().eq_ignore_ascii_case("charset") && !utf_8 {
            return Err("the charset of the answer is not plainly `utf-8`".into());
        }
    }
    let body = answer.body().as_ref().ok_or("the answer is too long")?;
    Ok(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
}

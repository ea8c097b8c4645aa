//! Reads a body, feeds it to its check, and finishes the check at its end.

use std::{
    error::Error,
    io,
    iter::successors,
    pin::Pin,
    task::{Context, Poll},
    time::SystemTime,
};

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, Method, Response, header, request::Parts};
use http_body::Body;
use http_body_util::LengthLimitError;
use tokio::time::{Instant, Sleep};

use super::{
    Verified, VerifyLayer,
    collected::Collected,
    drain::{Drain, close},
    hints::refusal,
};
use crate::{
    BoxError, Delivery, Provider, Rejection,
    error::MAX_CAUSES,
    scheme::{Authentic, Check, Head, ReadHeaders, VerifyError},
    util::{panics::contained, permits::Permit, timer},
};

/// A body that is being read and checked.
pub(super) struct Reading<P> {
    layer: VerifyLayer<P>,
    check: Check,
    permit: Permit,
    received: (SystemTime, ReadHeaders),
    answer_at: Option<Instant>,
    collected: Collected,
    /// The least number of bytes that the server guarantees.
    promised: usize,
}

const TOWER_HTTP_TIMEOUT: &str = "data was not received within the designated timeout";

/// The maximum number of frames in one poll, after which other tasks get their turn. If the sender is fast, then hyper makes
/// half as many frames of a body of 1 MiB.
pub(super) const FRAMES_PER_POLL: usize = 128;

impl<P: Provider> Reading<P> {
    /// Makes all checks that do not need the body, if the request is no handshake: method, declared length, headers, permit.
    /// `promised` is the part of the declared length that the server itself guarantees.
    pub(super) fn begin(
        layer: &VerifyLayer<P>,
        head: &Head<'_>,
        declared: u64,
        promised: u64,
    ) -> Result<Box<Self>, Rejection> {
        if head.method() != Method::POST {
            return Err(Rejection::Method);
        }
        let (config, provider) = (layer.config(), layer.provider());
        let limit = config.max_body_bytes;
        if declared > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(Rejection::BodyTooLarge(limit));
        }
        let check = provider.authenticate(head).map_err(Rejection::Unauthentic)?;
        let permit = config.bodies.take().ok_or(Rejection::Busy)?;
        let policy = provider.policy();
        // Boxed, so that it moves only once.
        Ok(Box::new(Self {
            layer: layer.clone(),
            check,
            permit,
            received: (head.now(), head.read_headers()),
            answer_at: policy.never_resends.and_then(|within| Instant::now().checked_add(within)),
            collected: Collected::expecting(declared, limit),
            promised: usize::try_from(promised).unwrap_or(usize::MAX),
        }))
    }

    /// As [`Reading::poll`], with the time that the body may take from its first pause on.
    pub(super) fn poll_in_time<B: Body<Error: Into<BoxError>>>(
        &mut self,
        body: Pin<&mut B>,
        mut deadline: Pin<&mut Option<Sleep>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Rejection>> {
        if let Poll::Ready(read) = self.poll(body, cx) {
            return Poll::Ready(read);
        }
        if deadline.is_none() {
            deadline.set(timer::sleep(self.layer.config().body_timeout));
        }
        timer::poll(deadline.as_pin_mut(), cx).map(|()| Err(Rejection::BodyTimeout))
    }

    /// Reads until the body ends, is refused, or has to be waited for.
    fn poll<B: Body<Error: Into<BoxError>>>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Rejection>> {
        for _ in 0..FRAMES_PER_POLL {
            match body.as_mut().poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                // If an HTTP/2 stream is reset without an error, hyper reports it as ended.
                Poll::Ready(None) if self.collected.len() < self.promised => {
                    return Poll::Ready(Err(Rejection::BodyBroken));
                }
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(Err(error))) => {
                    let error: BoxError = error.into();
                    return Poll::Ready(Err(broken(&*error)));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.take(data)?;
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn take(&mut self, mut data: impl Buf) -> Result<(), Rejection> {
        let config = self.layer.config();
        let limit = config.max_body_bytes;
        if data.remaining() > limit - self.collected.len() {
            return Err(Rejection::BodyTooLarge(limit));
        }
        let frame = data.copy_to_bytes(data.remaining());
        self.check.feed(&frame);
        self.collected.push(frame, &config.total_bytes).ok_or(Rejection::Busy)
    }

    /// The body is complete: is it authentic, and can it be decoded? If it is not a delivery, returns the answer.
    pub(super) fn finish(
        self: Box<Self>,
        parts: &Parts,
    ) -> Result<(Verified<P>, Permit), Box<Response<Bytes>>> {
        let Self { layer, check, permit, received, answer_at, collected, .. } = *self;
        let provider = layer.provider();
        let body = collected.into_bytes();
        let refused = |rejection| {
            let quietly = layer.config().was_said(&rejection);
            Box::new(refusal(rejection, provider, (parts, &body), quietly))
        };
        let proof = proven(check, &body).map_err(|e| refused(Rejection::Unauthentic(e)))?;
        if let Some(answer) = provider.answer(&proof, &body) {
            return Err(Box::new(answer));
        }
        decodable(provider, &parts.headers, &body).map_err(refused)?;
        let delivery = Delivery::received(proof, provider.name(), received);
        Ok((Verified { bytes: Some(body), delivery, layer, answer_at }, permit))
    }

    /// The answer to a body that is refused before its end. If the rest of the body is read before the answer is given, then
    /// also its limits.
    pub(super) fn refused(
        self: Box<Self>,
        rejection: Rejection,
        parts: &Parts,
    ) -> (Response<Bytes>, Option<Drain>) {
        let drain = match rejection {
            Rejection::BodyTooLarge(_) | Rejection::Busy => Drain::begin(self.layer.config()),
            // No more of it can be read.
            _ => None,
        };
        let quietly = self.layer.config().was_said(&rejection);
        let mut answer = refusal(rejection, self.layer.provider(), (parts, b""), quietly);
        if drain.is_none() {
            close(&mut answer, parts.version);
        }
        (answer, drain)
    }
}

/// The verdict of the check. If a scheme of the user's own panics, then only its request is refused: otherwise a body that
/// nobody has authenticated would end an HTTP/2 connection, and with it genuine requests.
fn proven(check: Check, body: &[u8]) -> Result<Authentic, VerifyError> {
    if !check.is_foreign() {
        return check.finish_with(Some(body));
    }
    let verdict = contained(|| check.finish_with(Some(body)));
    verdict.unwrap_or_else(|| Err(VerifyError::Other("the check panicked".into())))
}

/// Whether the head describes a body that can be decoded. An empty one needs no media type.
fn decodable<P: Provider>(provider: &P, headers: &HeaderMap, body: &[u8]) -> Result<(), Rejection> {
    let policy = provider.policy();
    if !is_coded_as(headers, policy.content_coding.as_deref()) {
        return Err(Rejection::ContentEncoding);
    }
    let is_void = || body.is_empty() && !headers.contains_key(header::CONTENT_TYPE);
    if policy.json_only && !is_json(headers) && !is_void() {
        return Err(Rejection::MediaType);
    }
    Ok(())
}

/// Whether the body is sent as it is, or with no other coding than `expected`, which is applied once.
pub(super) fn is_coded_as(headers: &HeaderMap, mut expected: Option<&str>) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter().map(HeaderValue::as_bytes);
    codings.all(|coding| {
        let is = |known: &str| coding.eq_ignore_ascii_case(known.as_bytes());
        is("identity") || expected.take().is_some_and(is)
    })
}

/// The rejection for an error of the body. The error is from hyper, or from a layer in front that limits bodies.
fn broken(error: &(dyn Error + 'static)) -> Rejection {
    let mut all = successors(Some(error), |&error| cause(error)).take(MAX_CAUSES);
    all.find_map(meaning).unwrap_or(Rejection::BodyBroken)
}

fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    // The error that an `io::Error` was made of is not its source.
    let made_of = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    made_of.map(|error| error as &(dyn Error + 'static)).or_else(|| error.source())
}

fn meaning(error: &(dyn Error + 'static)) -> Option<Rejection> {
    if error.is::<LengthLimitError>() {
        return Some(Rejection::BodyLimited);
    }
    is_timeout(error).then_some(Rejection::BodyTimeout)
}

/// Whether it is a timeout of tokio, of the standard library, or of tower-http, whose error is only known by its text.
fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    error.is::<tokio::time::error::Elapsed>()
        || error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
        || error.to_string() == TOWER_HTTP_TIMEOUT
}

/// Whether there is exactly one media type, and it is `application/json`, `text/json` or `…/…+json`. A charset is ignored,
/// because JSON is UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(one), None) = (all.next(), all.next()) else { return false };
    if one == "application/json" {
        return true;
    }
    let one = one.to_str().unwrap_or_default();
    let merged = one.split('"').step_by(2).any(|unquoted| unquoted.contains(','));
    let essence = one.split(';').next().unwrap_or_default().trim();
    let Some((kind, subtype)) = essence.split_once('/') else { return false };
    let suffix = subtype.get(subtype.len().saturating_sub("+json".len())..).unwrap_or_default();
    let token =
        |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '/');
    let json = ["application", "text"].iter().any(|known| kind.eq_ignore_ascii_case(known));
    !merged
        && token(kind)
        && token(subtype)
        && (json && subtype.eq_ignore_ascii_case("json") || suffix.eq_ignore_ascii_case("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_json() {
        let json = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, value.parse().unwrap());
            }
            is_json(&headers)
        };
        for yes in [
            "application/json",
            "application/json; charset=utf-8",
            "APPLICATION/JSON",
            "application/cloudevents+json",
            "application/vnd.x+JSON;q=1",
            "text/json",
            "application/json; profile=\"a, b\"",
        ] {
            assert!(json(&[yes]), "{yes}");
        }
        for no in [
            "",
            "json",
            "text/plain",
            "application/json-seq",
            "application/xml",
            "application/",
            "/json",
            "+json",
            "application/json, text/plain",
            "application/json; charset=utf-8, text/plain",
            "application/json; a=\"b\", text/plain",
            "a b/c+json",
            "application/x/y+json",
            "image/json",
            "application/éjson",
        ] {
            assert!(!json(&[no]), "{no}");
        }
        assert!(!json(&[]));
        assert!(!json(&["application/json", "application/json"]));
    }
}

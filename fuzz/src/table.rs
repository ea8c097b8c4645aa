//! The status table: what a receiver may answer.

use http::{Method, request::Parts};

use crate::{
    decoding::well_formed,
    head::echo,
    receivers::{Frames, MAX_BODY_BYTES, Piece, Receive},
};

/// What the status table allows.
pub fn allowed(
    receiver: &dyn Receive,
    head: &Parts,
    body: &[u8],
    frames: &Frames,
    signed: bool,
) -> &'static [u16] {
    let tokens =
        head.uri.query().unwrap_or_default().split('&').filter(|pair| pair.starts_with("token="));
    if receiver.name() == "learn365" && echo(head).is_some() {
        &[200]
    } else if head.method != Method::POST {
        &[405]
    } else if announced(head, frames) > MAX_BODY_BYTES as u64 {
        &[413]
    } else if !signed {
        &[400, 401, 404, 413, 431]
    } else if receiver.name() == "synthesis_vr" && tokens.count() > 1 {
        &[401]
    } else if let Some(status) = broken_off(frames) {
        status
    } else {
        complete(receiver, head, body)
    }
}

/// How long the body says that it is.
pub fn announced(head: &Parts, frames: &Frames) -> u64 {
    let length = head.headers.get("content-length").and_then(|length| length.to_str().ok());
    frames.announced.max(length.and_then(|length| length.parse().ok()).unwrap_or_default())
}

/// What is answered to all of an authentic body.
fn complete(receiver: &dyn Receive, head: &Parts, body: &[u8]) -> &'static [u16] {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let read = well_formed(text) && receiver.events(body).is_some();
    match (declared_json(receiver, head), read) {
        (Some(true), true) => &[200],
        (Some(true), false) => &[400],
        (Some(false), _) => &[415],
        (None, true) => &[200, 415],
        (None, false) => &[400, 415],
    }
}

/// What is answered to a body that does not come to the end that it announced.
pub fn broken_off(frames: &Frames) -> Option<&'static [u16]> {
    let mut length = 0;
    let early = frames.pieces().find_map(|piece| match piece {
        Piece::BreaksOff => Some(&[400][..]),
        Piece::Data(data) => {
            length += data.len() as u64;
            (length > MAX_BODY_BYTES as u64).then_some(&[413])
        }
        Piece::Trailers | Piece::Pause => None,
    });
    early.or((length < frames.announced).then_some(&[400]))
}

/// Whether the head declares plain JSON, or need not. `None`: that is not so plain.
fn declared_json(receiver: &dyn Receive, head: &Parts) -> Option<bool> {
    let codings = head.headers.get_all("content-encoding");
    let types: Vec<_> = head.headers.get_all("content-type").iter().collect();
    if !codings.iter().all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Some(false);
    }
    if receiver.name() != "learn365" {
        return Some(true);
    }
    let [one] = types[..] else { return Some(false) };
    let one = one.as_bytes().to_ascii_lowercase();
    match one.as_slice() {
        b"application/json" | b"application/json; charset=utf-8" => Some(true),
        other if !other.windows(4).any(|four| four == b"json") => Some(false),
        _ => None,
    }
}

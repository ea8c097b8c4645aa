//! HTTP/2 by hand: frames that no client would send, or not then.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::support::TOKEN;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// How a client begins: the preface, and settings that change nothing.
pub(crate) fn preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*frame(SETTINGS, 0, 0, b"")].concat()
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The next frame's kind, stream and payload, or `None` at the end of the connection.
pub(crate) async fn next(reader: &mut (impl AsyncRead + Unpin)) -> Option<(u8, u32, Vec<u8>)> {
    let head = reader.read_u32().await.ok()?.to_be_bytes();
    let _flags = reader.read_u8().await.ok()?;
    let stream = reader.read_u32().await.ok()?;
    let [a, b, c, kind] = head;
    let mut payload = vec![0; usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)];
    reader.read_exact(&mut payload).await.ok()?;
    Some((kind, stream, payload))
}

/// The head of a good request to a Loops endpoint.
pub(crate) fn head() -> Vec<u8> {
    head_for(TOKEN)
}

/// The same with any token.
pub(crate) fn head_for(token: &str) -> Vec<u8> {
    let path = format!("/hook/{token}");
    fields(&[(":method", "POST"), (":scheme", "http"), (":path", &path), (":authority", "a")])
}

/// Header fields as HPACK has them at its plainest: nothing indexed, nothing compressed.
pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    fields.iter().flat_map(field).collect()
}

/// A string behind its length, which has seven bits to a byte.
fn text(text: &str) -> Vec<u8> {
    let mut coded = Vec::new();
    match text.len() {
        short @ ..127 => coded.push(u8::try_from(short).unwrap()),
        long => {
            coded.push(127);
            let mut rest = long - 127;
            while rest >= 128 {
                coded.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            coded.push(u8::try_from(rest).unwrap());
        }
    }
    coded.extend_from_slice(text.as_bytes());
    coded
}

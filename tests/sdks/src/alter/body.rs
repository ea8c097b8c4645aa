//! Alterations of the body.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{random::Random, recorded::Recorded};

type Alteration = (&'static str, fn(&[u8], &mut Random) -> Vec<u8>);

/// Those that leave a text, so that a library which signs texts signs what is sent.
const TEXTS: [Alteration; 14] = [
    ("a blank behind", |body, _| [body, b" "].concat()),
    ("a line feed behind", |body, _| [body, b"\n"].concat()),
    ("CR LF behind", |body, _| [body, b"\r\n"].concat()),
    ("a blank before", |body, _| [b" ", body].concat()),
    ("a byte order mark before", |body, _| [b"\xef\xbb\xbf", body].concat()),
    ("NUL behind", |body, _| [body, b"\0"].concat()),
    ("emptied", |_, _| Vec::new()),
    ("cut short", |body, random| text(body)[..boundary(body, random)].into()),
    ("another JSON", |_, random| random.pick(&["{}", "[]", "null", "1", "\"x\"", "[{}]"]).into()),
    ("blanks in JSON", |body, _| replaced(body, ",", " , ")),
    ("a member twice", |body, _| replaced(body, "{\"", "{\"type\":\"x\",\"")),
    ("a member more", |body, _| replaced(body, "{\"", "{\"invented\":\"\u{e4}\",\"")),
    ("U+FFFD in it", |body, random| {
        let at = boundary(body, random);
        format!("{}\u{fffd}{}", &text(body)[..at], &text(body)[at..]).into()
    }),
    ("a pair more", |body, _| [body, b"&invented=1"].concat()),
];

const BYTES: [Alteration; 9] = [
    ("a bit flipped", |body, random| {
        let mut body = body.to_vec();
        if let Some(byte) = body.len().checked_sub(1).map(|last| random.below(last + 1)) {
            body[byte] ^= 1 << random.below(8);
        }
        body
    }),
    ("a byte removed", |body, random| {
        let at = random.below(body.len().max(1));
        [&body[..at], body.get(at + 1..).unwrap_or_default()].concat()
    }),
    ("a byte that is no UTF-8", |body, random| {
        let at = random.below(body.len().max(1));
        [&body[..at], &[random.pick(&[0x80, 0xc0, 0xff])], &body[at..]].concat()
    }),
    // A reader of texts takes it for the genuine one.
    ("a byte that is no UTF-8 for U+FFFD", |body, _| {
        text(body).split('\u{fffd}').map(str::as_bytes).collect::<Vec<_>>().join(&0xff)
    }),
    ("in another order", |body, random| {
        let mut pairs: Vec<_> = body.split(|byte| *byte == b'&').collect();
        random.shuffle(&mut pairs);
        pairs.join(&b'&')
    }),
    ("a pair twice", |body, random| {
        let pairs: Vec<_> = body.split(|byte| *byte == b'&').collect();
        [body, b"&", random.pick(&pairs)].concat()
    }),
    ("escapes in lower case", |body, _| lower_escapes(body)),
    ("%20 for +", |body, _| replaced(body, "+", "%20")),
    ("a slash escaped", |body, _| replaced(body, "/", "\\/")),
];

pub(super) fn before_signing(request: &mut Recorded, random: &mut Random) -> Option<String> {
    apply(&TEXTS, request, random).map(|done| format!("signed body: {done}"))
}

pub(super) fn after_signing(request: &mut Recorded, random: &mut Random) -> Option<String> {
    let all = [&TEXTS[..], &BYTES].concat();
    apply(&all, request, random).map(|done| format!("body: {done}"))
}

fn apply(all: &[Alteration], request: &mut Recorded, random: &mut Random) -> Option<&'static str> {
    let body = request.body();
    let (name, alter) = random.pick(all);
    let now = alter(&body, random);
    request.body_base64 = STANDARD.encode(&now);
    (now != body).then_some(name)
}

/// What of it is a text.
fn text(body: &[u8]) -> &str {
    str::from_utf8(body).unwrap_or_default()
}

/// Between two characters.
fn boundary(body: &[u8], random: &mut Random) -> usize {
    let all: Vec<_> = text(body).char_indices().map(|(at, _)| at).collect();
    if all.is_empty() { 0 } else { random.pick(&all) }
}

fn replaced(body: &[u8], from: &str, to: &str) -> Vec<u8> {
    match str::from_utf8(body) {
        Ok(text) => text.replacen(from, to, 1).into(),
        Err(_) => body.to_vec(),
    }
}

fn lower_escapes(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    for at in 0..body.len() {
        if body[at] == b'%' {
            let end = body.len().min(at + 3);
            body[at..end].make_ascii_lowercase();
        }
    }
    body
}

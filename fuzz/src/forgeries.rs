//! Requests of the listed senders, altered in one place.

use http::{HeaderName, HeaderValue, Uri, request::Parts};

use crate::{Expected, Listed, Sent, flipped, form_fields};

/// A body that is another one. What must become of it depends on whether the sender signs bodies.
pub fn altered_body<'a>(
    sender: &dyn Listed,
    sent: &Sent,
    bit: usize,
    authentic: Expected<'a>,
) -> (Vec<u8>, Expected<'a>) {
    let body = match (bit % 16, &*sent.body) {
        (0, body) => [body, b"&"].concat(),
        (1, [body @ .., _]) => body.to_vec(),
        (2, body) => [body, b"\n"].concat(),
        (_, []) => b" ".to_vec(),
        (_, body) => flipped(body, bit),
    };
    // A form is signed by its fields, without what is between them.
    let is_same = sender.name()[0] == "twilio"
        && fields(&body).is_some_and(|altered| Some(altered) == fields(&sent.body));
    let expected = match sender.signs_body() {
        false => authentic,
        true if is_same => Expected::Anything,
        true => Expected::Refusal,
    };
    (body, expected)
}

/// The sorted fields of a form, run together.
fn fields(body: &[u8]) -> Option<String> {
    if matches!(body.first(), Some(b'{' | b'[')) {
        return None;
    }
    let fields: Option<std::collections::BTreeSet<_>> =
        form_fields(body).into_iter().map(|(_, field)| field).collect();
    Some(fields?.into_iter().flat_map(|(name, value)| [name, value]).collect())
}

/// The head with a header that is altered, absent or repeated. `None`: there is none, or it cannot be sent.
pub fn altered_header(sent: &Sent, way: u8, bit: usize) -> Option<(Parts, Expected<'static>)> {
    let names: Vec<&HeaderName> = sent.head.headers.keys().collect();
    let name = names[bit / 1024 % names.len()];
    let (mut head, value) = (sent.head.clone(), sent.head.headers.get(name)?);
    let mut is_same = false;
    match way % 3 {
        0 => drop(head.headers.remove(name)),
        1 => drop(head.headers.append(name, value.clone())),
        _ => {
            let text = Some(value.as_bytes()).filter(|text| !text.is_empty())?;
            let other = flipped(text, bit);
            is_same = is_same_spelling(text, &other);
            head.headers.insert(name, HeaderValue::from_bytes(&other).ok()?);
        }
    }
    let is_proof = sent.proof.contains(name) && !is_same;
    Some((head, if is_proof { Expected::Refusal } else { Expected::Anything }))
}

/// The head with another target. `None`: the target proves nothing, or it cannot be sent.
pub fn altered_target(
    sender: &dyn Listed,
    sent: &Sent,
    bit: usize,
) -> Option<(Parts, Expected<'static>)> {
    let target = sent.head.uri.to_string();
    let from = if sender.name()[0] == "twilio" { 1 } else { sent.unproven };
    let part = target.as_bytes().get(from..).filter(|part| !part.is_empty())?;
    let other = [&target.as_bytes()[..from], &flipped(part, bit)].concat();
    let mut head = sent.head.clone();
    head.uri = Uri::try_from(&other[..]).ok()?;
    let is_same = is_same_spelling(target.as_bytes(), &other);
    Some((head, if is_same { Expected::Anything } else { Expected::Refusal }))
}

/// Whether they differ in the case of one letter only, and that is a digit of a long number in hex, or in the first word.
fn is_same_spelling(text: &[u8], other: &[u8]) -> bool {
    let Some(at) = text.iter().zip(other).position(|(one, other)| one != other) else {
        return false;
    };
    let is_hex = |byte: &&u8| byte.is_ascii_hexdigit();
    let digits = text[at..].iter().take_while(is_hex).count()
        + text[..at].iter().rev().take_while(is_hex).count();
    text.eq_ignore_ascii_case(other) && (digits >= 40 || at < "sha256=".len())
}

//! Alterations of headers.

use super::text;
use crate::{random::Random, recorded::Recorded};

/// What the table calls a header: those with one task have one name for all senders.
fn role(name: &str) -> &str {
    let name_of = |part| name.contains(part);
    if name.contains("signature-settings") {
        name
    } else if ["signature", "hmac", "authorization"].iter().any(name_of) {
        "proof"
    } else if name_of(&"timestamp") {
        "time"
    } else {
        name
    }
}

fn any(request: &Recorded, random: &mut Random) -> Option<usize> {
    let count = request.headers.len();
    (count > 0).then(|| random.below(count))
}

/// Mostly one that is part of the proof.
fn mostly_proof(request: &Recorded, random: &mut Random) -> Option<usize> {
    let is_proof = |at: &usize| ["proof", "time"].contains(&role(&request.headers[*at].0));
    let proof: Vec<_> = (0..request.headers.len()).filter(is_proof).collect();
    if proof.is_empty() || random.one_in(3) {
        any(request, random)
    } else {
        Some(random.pick(&proof))
    }
}

pub(super) fn value(request: &mut Recorded, random: &mut Random) -> Option<String> {
    let at = mostly_proof(request, random)?;
    let (name, value) = &mut request.headers[at];
    let (done, now) = text::altered(value, random)?;
    // As a server shows it: no blanks around a value.
    *value = now.trim_matches(' ').to_owned();
    Some(format!("{}: {done}", role(&name.to_lowercase())))
}

pub(super) fn presence(request: &mut Recorded, random: &mut Random) -> Option<String> {
    let at = mostly_proof(request, random)?;
    let (name, value) = request.headers[at].clone();
    let done = match random.below(4) {
        0 => {
            request.headers.remove(at);
            "missing"
        }
        1 => {
            request.headers.push((name.clone(), value));
            "repeated"
        }
        2 => {
            let (_, other) = text::altered(&value, random)?;
            request.headers.push((name.clone(), other.trim_matches(' ').into()));
            "repeated, the other behind"
        }
        _ => {
            let (_, other) = text::altered(&value, random)?;
            request.headers.insert(at, (name.clone(), other.trim_matches(' ').into()));
            "repeated, the other before"
        }
    };
    Some(format!("{}: {done}", role(&name.to_lowercase())))
}

/// What means the same.
pub(super) fn arrangement(request: &mut Recorded, random: &mut Random) -> Option<String> {
    let at = any(request, random)?;
    if random.one_in(2) {
        random.shuffle(&mut request.headers);
        return Some("headers: in another order".into());
    }
    let name = &mut request.headers[at].0;
    *name = if random.one_in(2) { name.to_uppercase() } else { name.to_lowercase() };
    Some("headers: a name in another case".into())
}

/// The clock, or how the time in a header is written.
pub(super) fn time(request: &mut Recorded, random: &mut Random) -> Option<String> {
    const APART: [u64; 10] = [1, 60, 299, 300, 301, 310, 311, 900, 7_201, 86_401];
    let seconds = random.pick(&APART);
    match random.below(4) {
        0 => {
            request.now += seconds;
            Some(format!("time: {seconds} s ago"))
        }
        1 => {
            request.now -= seconds;
            Some(format!("time: {seconds} s ahead"))
        }
        _ => spelling(request, random),
    }
}

fn spelling(request: &mut Recorded, random: &mut Random) -> Option<String> {
    const SPELLINGS: [&str; 16] = [
        "0_",
        "00_",
        "+_",
        "-_",
        "_abc",
        "_.0",
        "_.9",
        "_.",
        "_e0",
        "0x_",
        "_ ",
        "_000",
        "_,_",
        "_\u{a0}",
        "NaN",
        "99999999999999999999",
    ];
    let time = request.now.to_string();
    let header = request.headers.iter_mut().find(|(_, value)| value.contains(&time))?;
    let spelling = random.pick(&SPELLINGS);
    let written = spelling.replace('_', &time);
    let is_last = header.1.ends_with(&time);
    header.1 =
        header.1.replace(&time, if is_last { written.trim_end_matches(' ') } else { &written });
    Some(format!("time: as {spelling:?}"))
}

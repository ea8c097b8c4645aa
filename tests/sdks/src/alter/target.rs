//! Alterations of the path and the query.

use crate::{random::Random, recorded::Recorded};

type Alteration = (&'static str, fn(&str, &mut Random) -> String);

const ALTERATIONS: [Alteration; 8] = [
    ("another path", |target, _| target.replacen('/', "/other/", 1)),
    ("a slash behind the path", |target, _| with_path(target, |path| format!("{path}/"))),
    ("a pair more", |target, _| with_pair(target, "invented=1")),
    ("a pair twice", |target, random| {
        let Some((_, query)) = target.split_once('?') else { return target.into() };
        let pairs: Vec<_> = query.split('&').collect();
        with_pair(target, random.pick(&pairs))
    }),
    ("pairs in another order", |target, _| {
        let Some((path, query)) = target.split_once('?') else { return target.into() };
        let pairs: Vec<_> = query.rsplit('&').collect();
        format!("{path}?{}", pairs.join("&"))
    }),
    ("no query", |target, _| target.split('?').next().unwrap_or_default().into()),
    ("escaped otherwise", |target, _| target.replace("%20", "+").replace('-', "%2D")),
    ("a byte changed", |target, random| {
        let at = random.below(target.len() - 1) + 1;
        let byte = random.pick(b"0aZ-._~");
        format!("{}{}{}", &target[..at], char::from(byte), &target[at + 1..])
    }),
];

pub(super) fn altered(request: &mut Recorded, random: &mut Random) -> Option<String> {
    let (name, alter) = random.pick(&ALTERATIONS);
    let now = alter(&request.target, random);
    let has_changed = now != request.target;
    request.target = now;
    has_changed.then(|| format!("target: {name}"))
}

fn with_path(target: &str, change: impl Fn(&str) -> String) -> String {
    match target.split_once('?') {
        Some((path, query)) => format!("{}?{query}", change(path)),
        None => change(target),
    }
}

fn with_pair(target: &str, pair: &str) -> String {
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}{pair}")
}

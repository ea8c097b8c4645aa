//! Alterations of a text, such as the value of a header.

use crate::random::Random;

/// What a lenient reader passes over, or a careless one takes for something else.
const STRAY: [&str; 14] =
    [" ", "  x", "=", "==", ",", ";", ".", "0", "x", ".5", "#", "%00", "\u{e9}", "\""];
const PRINTABLE: &[u8] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/-_=.,:;~!$%&'()*<>?@[]^`{|}";

type Alteration = fn(&str, &mut Random) -> (String, String);

const ALTERATIONS: [Alteration; 15] = [
    changed,
    changed,
    |text, random| ("a byte added".into(), with_byte(text, random, 0)),
    |text, random| ("a byte removed".into(), without_byte(text, random)),
    |text, random| ("cut short".into(), text[..random.below(text.len())].into()),
    |_, _| ("emptied".into(), String::new()),
    |text, random| stray(random, |stray| format!("{text}{stray}"), "behind"),
    |text, random| stray(random, |stray| format!("{stray}{text}"), "before"),
    |text, _| ("in upper case".into(), text.to_uppercase()),
    |text, _| ("in lower case".into(), text.to_lowercase()),
    |text, random| {
        let separator = random.pick(&[",", ", ", " ", ";"]);
        (format!("twice with {separator:?} between"), format!("{text}{separator}{text}"))
    },
    |text, _| ("in the other base64".into(), text.replace('+', "-").replace('/', "_")),
    |text, _| ("without padding".into(), text.trim_end_matches('=').into()),
    |text, _| ("in quotes".into(), format!("\"{text}\"")),
    in_its_parts,
];

/// What was done, and the text as it is then. `None`: nothing has changed.
pub(super) fn altered(text: &str, random: &mut Random) -> Option<(String, String)> {
    if text.is_empty() || !text.is_ascii() {
        return None;
    }
    let (done, now) = random.pick(&ALTERATIONS)(text, random);
    (now != text).then_some((done, now))
}

fn changed(text: &str, random: &mut Random) -> (String, String) {
    let now = with_byte(text, random, 1);
    let only_case = now.eq_ignore_ascii_case(text);
    ((if only_case { "a byte in the other case" } else { "a byte changed" }).into(), now)
}

fn with_byte(text: &str, random: &mut Random, replaced: usize) -> String {
    let at = random.below(text.len());
    let byte = char::from(random.pick(PRINTABLE));
    format!("{}{byte}{}", &text[..at], &text[at + replaced..])
}

fn without_byte(text: &str, random: &mut Random) -> String {
    let at = random.below(text.len());
    format!("{}{}", &text[..at], &text[at + 1..])
}

fn stray(random: &mut Random, put: impl Fn(&str) -> String, place: &str) -> (String, String) {
    let stray = random.pick(&STRAY);
    (format!("{stray:?} {place}"), put(stray))
}

/// Of a list, or of a name and its value.
fn in_its_parts(text: &str, random: &mut Random) -> (String, String) {
    let separator = random.pick(&[",", " ", "=", "."]);
    let mut parts: Vec<_> = text.split(separator).collect();
    let at = random.below(parts.len());
    let done = match random.below(5) {
        0 => {
            parts.reverse();
            "reversed"
        }
        1 => {
            parts.insert(at, parts[at]);
            "with a part twice"
        }
        2 => {
            parts.remove(at);
            "without a part"
        }
        3 => {
            parts.insert(at, "v1=00");
            "with a foreign part"
        }
        _ => {
            parts[at] = "v9";
            "with another part"
        }
    };
    (format!("{done} ({separator:?})"), parts.join(separator))
}

//! On a few hundred bodies, well formed and spoilt, the result is what `serde_json` makes of the whole.

use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use super::*;

#[test]
fn bodies_are_read_as_serde_json_reads_them() {
    let mut counts = [0; 2];
    for seed in 0..800 {
        let mut random = Random::new(seed);
        let mut body = array(&mut random).into_bytes();
        for _ in 0..random.below(3) {
            spoil(&mut random, &mut body);
        }
        let whole = serde_json::from_slice::<Value>(&body);
        if whole.as_ref().is_err_and(|error| error.to_string().starts_with("number out of range")) {
            continue;
        }
        counts[usize::from(whole.is_ok())] += 1;
        match (events(&adjacent(), &body), whole) {
            (Ok(found), Ok(whole)) => agree(&body, &found, &whole),
            (Err(_), Err(_)) => {}
            (ours, theirs) => panic!("{:?}: {ours:?}, {theirs:?}", String::from_utf8_lossy(&body)),
        }
        let dispatched = dispatch(&listening(&Log::default()), adjacent(), &body);
        assert_eq!(dispatched.is_ok(), events(&adjacent(), &body).is_ok());
    }
    assert!(counts.iter().all(|&count| count > 200), "{counts:?} broken and whole");
}

/// The elements are the array's, under the names that stand in them once.
#[track_caller]
fn agree(body: &[u8], found: &[tower_webhook::decode::Element<'_>], whole: &Value) {
    let elements = whole.as_array().map_or(std::slice::from_ref(whole), Vec::as_slice);
    assert_eq!(found.len(), elements.len());
    for (found, element) in found.iter().zip(elements) {
        let json = &body[found.range.clone()];
        assert_eq!(&serde_json::from_slice::<Value>(json).unwrap(), element);
        let names =
            serde_json::from_slice::<Names>(json).map_or_else(|_| Vec::new(), |names| names.0);
        let name = match names.as_slice() {
            [one] => one.as_str(),
            _ => None,
        };
        assert_eq!(found.event_type.as_deref(), name, "{}", String::from_utf8_lossy(json));
    }
}

/// All that stands in an object as `type`.
struct Names(Vec<Value>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if key == "type" {
                self.0.push(value);
            }
        }
        Ok(self)
    }
}

/// The same numbers for the same seed (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    pub(super) fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

fn array(random: &mut Random) -> String {
    let elements: Vec<_> = (0..random.below(5)).map(|_| value(random, 3)).collect();
    format!("{}[{}]{}", blank(random), elements.join(","), blank(random))
}

pub(super) fn value(random: &mut Random, depth: usize) -> String {
    let members = if depth == 0 { 0 } else { random.below(4) };
    let text = match random.below(if depth == 3 { 3 } else { 6 }) {
        0 | 1 => {
            let all: Vec<_> = (0..members).map(|_| member(random, depth)).collect();
            format!("{{{}}}", all.join(","))
        }
        2 => {
            let all: Vec<_> = (0..members).map(|_| value(random, depth - 1)).collect();
            format!("[{}]", all.join(","))
        }
        3 => {
            random.one_of(&["0", "-1", "1.50", "1e3", "-0.1E-2", "18446744073709551616"]).to_owned()
        }
        4 => random.one_of(&["true", "false", "null"]).to_owned(),
        _ => random
            .one_of(&[
                r#""""#,
                r#""paid""#,
                r#""p\u0061id""#,
                r#""\"\\\/\n""#,
                "\"é\u{1f600}\"",
                r#""]},""#,
            ])
            .to_owned(),
    };
    format!("{}{text}{}", blank(random), blank(random))
}

fn member(random: &mut Random, depth: usize) -> String {
    let key = random.one_of(&["type", "t\\u0079pe", "data", "data", "a", "é", ""]);
    let value = if random.below(3) == 0 { "\"paid\"".to_owned() } else { value(random, depth - 1) };
    format!("{}\"{key}\"{}:{value}", blank(random), blank(random))
}

pub(super) fn blank(random: &mut Random) -> &'static str {
    random.one_of(&["", "", "", " ", "\r\n", "\t "])
}

/// Changes, takes away or adds one byte, or cuts the rest off.
fn spoil(random: &mut Random, body: &mut Vec<u8>) {
    const BYTES: &[u8] = b"{}[]\",:\\0-.etn \x01\xff";
    let at = random.below(body.len().max(1));
    let byte = BYTES[random.below(BYTES.len())];
    match random.below(4) {
        _ if body.is_empty() => body.push(byte),
        0 => body[at] = byte,
        1 => drop(body.remove(at)),
        2 => body.insert(at, byte),
        _ => body.truncate(at),
    }
}

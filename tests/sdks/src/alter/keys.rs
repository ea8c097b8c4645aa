//! Alterations of the receiver's keys.

use serde_json::{Value, json};

use super::text;
use crate::{random::Random, recorded::Recorded};

/// What a receiver holds. The vendor holds the rest.
const RECEIVERS: [&str; 5] = ["secret", "api_secret", "public_key", "public_keys", "shared_keys"];

fn held(request: &mut Recorded) -> Option<&mut Value> {
    let name = RECEIVERS.into_iter().find(|name| request.keys.contains_key(*name))?;
    let value = request.keys.get_mut(name)?;
    if value.is_array() { value.get_mut(0) } else { Some(value) }
}

/// A key that its vendor would not make, which the sender signs with.
pub(super) fn before_signing(request: &mut Recorded, random: &mut Random) -> Option<String> {
    const ODD: [(&str, &str); 5] = [
        ("empty", ""),
        ("a blank", " "),
        ("a blank behind", "_ "),
        ("beyond ASCII", "_\u{fc}"),
        ("long", "________"),
    ];
    // Of a key pair, the sender has the private half.
    if request.keys.contains_key("seed") {
        return None;
    }
    let key = held(request)?;
    let (done, odd) = random.pick(&ODD);
    *key = odd.replace('_', key.as_str()?).into();
    Some(format!("signed with a key: {done}"))
}

pub(super) fn after_signing(request: &mut Recorded, random: &mut Random) -> Option<String> {
    let key = held(request)?;
    let genuine = key.as_str()?.to_owned();
    let (done, now) = match random.below(5) {
        0 => ("empty".into(), String::new()),
        1 => ("a line feed behind".into(), format!("{genuine}\n")),
        2 => ("without its prefix".into(), genuine.trim_start_matches("whsec_").to_owned()),
        3 => return two(request, random),
        _ => text::altered(&genuine, random)?,
    };
    *key = now.clone().into();
    (now != genuine).then(|| format!("key: {done}"))
}

/// Two keys, of which one is genuine.
fn two(request: &mut Recorded, random: &mut Random) -> Option<String> {
    let genuine = request.keys.remove("secret")?;
    let other = genuine.as_str()?.replace('a', "b").replace('1', "2");
    let genuine_first = random.one_in(2);
    let both = if genuine_first { json!([genuine, other]) } else { json!([other, genuine]) };
    request.keys.insert("secrets".into(), both);
    Some(format!("key: one of two, the {}", if genuine_first { "first" } else { "second" }))
}

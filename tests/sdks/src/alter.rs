//! What can be altered of a request. Each alteration has a name, by which the table of differences knows it.

mod body;
mod headers;
mod keys;
mod target;
mod text;

use crate::{random::Random, recorded::Recorded};

/// Alters a request, and says how. `None`: there is nothing of this kind in it.
pub(crate) type Alteration = fn(&mut Recorded, &mut Random) -> Option<String>;

/// Of what is sent, which is then signed as it is. So a receiver should mostly accept it.
pub(crate) const BEFORE_SIGNING: [Alteration; 2] = [body::before_signing, keys::before_signing];

/// Of a request that is signed.
const AFTER_SIGNING: [Alteration; 8] = [
    headers::value,
    headers::value,
    headers::presence,
    headers::arrangement,
    headers::time,
    body::after_signing,
    keys::after_signing,
    target::altered,
];

/// Alters it in one way, and in a fifth of all cases in a second one.
pub(crate) fn after_signing(request: &mut Recorded, random: &mut Random) -> Vec<String> {
    let ways = if random.one_in(5) { 2 } else { 1 };
    let mut done = Vec::new();
    while done.len() < ways {
        done.extend(random.pick(&AFTER_SIGNING)(request, random));
    }
    done
}

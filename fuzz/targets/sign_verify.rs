//! What is signed is accepted, in whatever pieces it arrives, and nothing else is: not with any one bit flipped of the
//! body, of what is signed beside it, of the tag or token, nor longer, shorter, or for another key.

#![cfg_attr(fuzzing, no_main)]

use std::time::{Duration, SystemTime};

use tower_webhook_fuzz::{Input, SCHEMES, flipped, fuzz_target, verified};

fn property(data: &[u8]) {
    let mut input = Input::new(data);
    let scheme = &SCHEMES[usize::from(input.byte()) % SCHEMES.len()];
    let receiver = &*scheme.receivers[usize::from(input.flag())];
    let (attack, bit, piece) = (input.byte(), input.below(1 << 16), 1 + usize::from(input.byte()));
    let seconds = input.take(5).iter().fold(0, |seconds, byte| seconds << 8 | u64::from(*byte));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let id = id(input.piece());
    let body = input.rest();

    let mut head = scheme.sign("http://a.example/hooks?x=1", &id, now, body);
    let accepted = verified(receiver, &head, now, body.chunks(piece));
    assert_eq!(accepted, Ok(scheme.signs_id.then_some(id)));

    let places = scheme.places.len();
    let refused = match usize::from(attack) % (places + 4) {
        0 => verified(&*scheme.stranger, &head, now, [body]),
        1 if scheme.signs_body && !body.is_empty() => {
            verified(receiver, &head, now, [&*flipped(body, bit)])
        }
        2 if scheme.signs_body && !body.is_empty() => verified(receiver, &head, now, [&body[1..]]),
        3 if scheme.signs_body => verified(receiver, &head, now, [body, &[bit as u8]]),
        attack if attack >= 4 && scheme.places[attack - 4].flip(&mut head, bit) => {
            verified(receiver, &head, now, [body])
        }
        _ => return,
    };
    assert!(refused.is_err(), "accepted a forgery");
}

/// Visible ASCII without dots and commas.
fn id(bytes: &[u8]) -> String {
    let visible = bytes.iter().map(|byte| char::from(byte % 94 + b'!'));
    format!(
        "i{}",
        visible.map(|c| if matches!(c, '.' | ',') { '_' } else { c }).collect::<String>()
    )
}

fuzz_target!(property);

//! Every provider of this crate passes its own list, and the list finds what is broken.

use tower_webhook::{
    providers::{
        learn365::Learn365, loops::Loops, standard_webhooks::StandardWebhooks, synthesis_vr::SynthesisVr,
        teachstack::Teachstack,
    },
    scheme::{Keys, Token},
    sender::conformance,
};

use crate::support::*;

#[test]
fn every_provider_conforms() {
    conformance(&learn365(), &Learn365::new(OTHER_SECRET).unwrap()).assert_passed();
    conformance(&standard_webhooks(), &StandardWebhooks::new(OTHER_WHSEC).unwrap()).assert_passed();
    let other = || Token::path(OTHER_TOKEN).unwrap();
    conformance(&loops(), &Loops::new(other())).assert_passed();
    conformance(&synthesis_vr(), &SynthesisVr::new(other())).assert_passed();
    conformance(&teachstack(), &Teachstack::new(other())).assert_passed();
}

#[test]
fn a_token_conforms_in_every_place() {
    type Place = fn(Keys) -> Token;
    let places: [(&str, Place); 5] = [
        ("path", |keys| Token::path(keys).unwrap()),
        ("query", |keys| Token::query("token", keys).unwrap()),
        ("header", |keys| Token::header("x-token", keys).unwrap()),
        ("bearer", |keys| Token::bearer(keys).unwrap()),
        ("basic", |keys| Token::basic("user", keys).unwrap()),
    ];
    for (name, place) in places {
        let report = conformance(&Loops::new(place(TOKEN.into())), &Loops::new(place(OTHER_TOKEN.into())));
        assert!(report.failures().is_empty(), "{name}: {report}");
    }
}

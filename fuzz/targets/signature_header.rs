//! No head is accepted but one that carries the genuine credential, whoever the provider.

#![cfg_attr(fuzzing, no_main)]

use tower_webhook_fuzz::{CREDENTIALS, Genuine, fuzz_target, head};

fn property(data: &[u8]) {
    let Some(head) = head(data) else { return };
    for credential in CREDENTIALS.iter() {
        let accepted = credential.accepted(&head);
        match (credential.genuine)(&head) {
            Genuine::Exactly => assert!(accepted, "refused the genuine one"),
            Genuine::Somewhere => {}
            Genuine::No => assert!(!accepted, "accepted a forgery"),
        }
        assert!(!credential.accepted_by_stranger(&head), "accepted under another key");
    }
}

fuzz_target!(property);

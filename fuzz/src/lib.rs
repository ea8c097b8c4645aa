//! What the fuzz targets share. Each target states one property of arbitrary bytes.
//!
//! On stable, a target replays its corpus, and any file given to it:
//!
//! ```sh
//! cargo test --bins
//! cargo run --bin decode_loops -- artifacts/decode_loops/crash-…
//! ```
//!
//! With a nightly toolchain and `cargo-fuzz` it searches: `.ci/fuzz-search 200 decode_loops`. What is found goes to
//! `artifacts`, not to the corpus: one file for each target, with a line for each input. These are made by hand, and of the
//! rest what leads furthest (`found-…`). `cargo run` with a file, as above, prints the line for it.

mod credentials;
mod decoding;
mod endpoint;
mod forgeries;
mod head;
mod input;
#[path = "../../tests/it/list/mod.rs"]
mod list;
mod listed;
mod meant;
mod oracle;
pub mod peer;
mod receivers;
mod replay;
mod schemes;
pub mod script;
mod senders;
mod table;
mod text;
mod trial;
mod watched;

pub use self::{
    credentials::{CREDENTIALS, Credential, Genuine},
    decoding::{Receiver, run, well_formed},
    endpoint::{Endpoint, poll_once},
    forgeries::{altered_body, altered_header, altered_target},
    head::{echo, head, request_line, with_headers},
    input::Input,
    listed::{By, LISTED, Listed, Noted, Sent},
    meant::{Meant, has_known_state, has_token, meant},
    oracle::{Found, Kind, members, outer_member},
    receivers::{Frames, HANDLED, MAX_BODY_BYTES, RECEIVERS, Receive},
    replay::replay,
    schemes::{Place, SCHEMES, Scheme, flipped, verified},
    script::{Progress, ROUTERS, Script, Scripted},
    table::{allowed, announced, broken_off},
    text::{form_fields, from_base64, from_hex, to_base64, to_hex},
    trial::{Expected, Trial, can_sign},
    watched::{OWN, Own, PROVEN, REACHED},
};

/// `fuzz_target!(property)`: the whole program of a target.
#[macro_export]
macro_rules! fuzz_target {
    ($property:expr) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $property(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            const INPUTS: &[(&str, &[u8])] =
                include!(concat!("../corpus/", env!("CARGO_BIN_NAME"), ".in"));
            $crate::replay(env!("CARGO_BIN_NAME"), INPUTS, $property)
        }
    };
}

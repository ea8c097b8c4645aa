//! What the fuzz targets share. Each target states one property of arbitrary bytes.
//!
//! On stable, a target replays its corpus, and any file given to it:
//!
//! ```sh
//! cargo run --bin decode_loops
//! cargo run --bin decode_loops -- artifacts/decode_loops/crash-…
//! ```
//!
//! With a nightly toolchain and `cargo-fuzz` it searches. New inputs go to the first directory: not to the corpus,
//! which is small and made by hand.
//!
//! ```sh
//! mkdir /tmp/found
//! cargo +nightly fuzz run decode_loops /tmp/found corpus/decode_loops -- -max_total_time=200
//! ```

mod credentials;
mod decoding;
mod head;
mod replay;

pub use self::{
    credentials::{CREDENTIALS, Credential, Genuine},
    decoding::{Peer, Receiver, resend, too_deep, well_formed},
    head::{head, request_line},
    replay::replay,
};

/// `fuzz_target!(property)`: the whole program of a target.
#[macro_export]
macro_rules! fuzz_target {
    ($property:expr) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $property(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::replay(env!("CARGO_BIN_NAME"), $property)
        }
    };
}

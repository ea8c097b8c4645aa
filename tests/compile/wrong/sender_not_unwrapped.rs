//! code: E0277
//! says: `Result<Learn365, ConfigError>` is not a webhook provider that can send
//! says: the providers of this crate can send; implement `Emit` for a provider of your own
//! says: a constructor that checks a secret returns a `Result`: take the provider out of it with `?`

use tower_webhook::{Sender, providers::learn365::Learn365};

fn main() {
    let _ = Sender::new(Learn365::new("secret"));
}

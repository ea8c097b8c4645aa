//! code: E0277
//! says: `Result<Learn365, ConfigError>` is not a webhook provider that can send
//! says: those of `tower_webhook::providers` can send; implement `Emit` for one of your own
//! says: a constructor that checks a secret returns a `Result`: take the provider out of it with `?`

use tower_webhook::{Sender, providers::learn365::Learn365};

fn main() {
    let _ = Sender::new(Learn365::new("secret"));
}

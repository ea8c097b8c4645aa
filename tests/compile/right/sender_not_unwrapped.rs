use tower_webhook::{Sender, error::ConfigError, providers::learn365::Learn365};

fn main() -> Result<(), ConfigError> {
    let _ = Sender::new(Learn365::new("secret")?);
    Ok(())
}

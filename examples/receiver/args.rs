//! The command line.

use std::{ffi::OsString, net::SocketAddr};

use tower_webhook::clock::ManualClock;

pub(crate) const USAGE: &str = "\
usage: receiver [--listen ADDR] [--clock UNIX_SECONDS]

  --listen ADDR          where to listen, by default 127.0.0.1:3000; port 0 is any free one
  --clock UNIX_SECONDS   stop the clock that timestamps are judged by

Secrets come from the environment. A sender without one is not mounted:
  LOOPS_TOKEN               POST /webhooks/loops/{token}
  SYNTHESIS_VR_TOKEN        POST /webhooks/synthesis-vr/{token}
  TEACHSTACK_TOKEN          POST /webhooks/teachstack/{token}
  LEARN365_SECRET           POST /webhooks/learn365
  STANDARD_WEBHOOKS_SECRET  POST /webhooks/standard";

pub(crate) struct Args {
    pub(crate) listen: SocketAddr,
    pub(crate) clock: Option<ManualClock>,
}

impl Args {
    /// `None`: asked for help.
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut parsed = Self { listen: SocketAddr::from(([127, 0, 0, 1], 3000)), clock: None };
        while let Some(name) = args.next() {
            let name = name.to_string_lossy();
            if matches!(&*name, "--help" | "-h") {
                return Ok(None);
            }
            if !matches!(&*name, "--listen" | "--clock") {
                return Err(format!("`{name}` is not an argument"));
            }
            let value = args.next().ok_or_else(|| format!("`{name}` lacks its value"))?;
            let value = value.to_string_lossy();
            let wrong = |what: &str| format!("`{value}` is not {what}");
            match &*name {
                "--listen" => {
                    let address = value.parse().map_err(|_| wrong("an address with a port"));
                    parsed.listen = address?;
                }
                _ => {
                    let seconds = value.parse().map_err(|_| wrong("a number of seconds"))?;
                    parsed.clock = Some(ManualClock::at_unix_seconds(seconds));
                }
            }
        }
        Ok(Some(parsed))
    }
}

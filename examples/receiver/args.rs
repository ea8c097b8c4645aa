//! The command line.

use std::{ffi::OsString, net::SocketAddr, time::Duration};

use tower_webhook::clock::ManualClock;

use crate::server::Limits;

pub(crate) const USAGE: &str = "\
usage: receiver [--listen ADDR] [--clock UNIX_SECONDS] [--connections NUMBER] [--silence SECONDS]

  --listen ADDR          where to listen, by default 127.0.0.1:3000; port 0 is any free one
  --clock UNIX_SECONDS   stop the clock that timestamps are judged by
  --connections NUMBER   connections at once, by default 512; further ones wait
  --silence SECONDS      how long a connection may go without a request, by default 60

Secrets come from the environment. A sender without one is not mounted:
  LOOPS_TOKEN               POST /webhooks/loops/{token}
  SYNTHESIS_VR_TOKEN        POST /webhooks/synthesis-vr/{token}
  TEACHSTACK_TOKEN          POST /webhooks/teachstack/{token}
  LEARN365_SECRET           POST /webhooks/learn365
  STANDARD_WEBHOOKS_SECRET  POST /webhooks/standard";

pub(crate) struct Args {
    pub(crate) listen: SocketAddr,
    pub(crate) clock: Option<ManualClock>,
    pub(crate) limits: Limits,
}

impl Args {
    /// `None`: asked for help.
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let listen = SocketAddr::from(([127, 0, 0, 1], 3000));
        let mut parsed = Self { listen, clock: None, limits: Limits::default() };
        while let Some(name) = args.next() {
            let name = name.to_string_lossy();
            if matches!(&*name, "--help" | "-h") {
                return Ok(None);
            }
            if !matches!(&*name, "--listen" | "--clock" | "--connections" | "--silence") {
                return Err(format!("`{name}` is not an argument"));
            }
            let value = args.next().ok_or_else(|| format!("`{name}` lacks its value"))?;
            parsed.set(&name, &value.to_string_lossy())?;
        }
        Ok(Some(parsed))
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |what: &str| format!("`{value}` is not {what}");
        let seconds = || value.parse().map_err(|_| wrong("a number of seconds"));
        match name {
            "--listen" => {
                self.listen = value.parse().map_err(|_| wrong("an address with a port"))?;
            }
            "--clock" => self.clock = Some(ManualClock::at_unix_seconds(seconds()?)),
            "--silence" => self.limits.silence = Duration::from_secs(seconds()?),
            _ => {
                let connections = value.parse().map_err(|_| wrong("a number of connections"))?;
                self.limits.connections = connections;
            }
        }
        Ok(())
    }
}

//! A server in a process of its own, for as long as it is wanted.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc::{Sender, channel},
    thread,
    time::Duration,
};

use tower_webhook::BoxError;

/// How long it may take to listen.
const START: Duration = Duration::from_secs(10);

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts one that says on standard error where it listens. What it prints is thrown away.
    pub(crate) fn start(command: &mut Command) -> Result<Self, BoxError> {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let said = child.stderr.take().ok_or("no standard error")?;
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        // From here on it ends with this value, however this function does.
        let mut server = Self { child, address: unknown };
        let (found, address) = channel();
        thread::spawn(move || listen(said, &found));
        server.address = address.recv_timeout(START)??;
        if !server.address.ip().is_loopback() {
            return Err(format!("{} is no address of this machine", server.address).into());
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end, so that nobody waits who has more to say. An error is what it said instead.
fn listen(said: impl Read, found: &Sender<Result<SocketAddr, String>>) {
    let mut lines = BufReader::new(said).lines().map_while(Result::ok);
    let mut before = String::from("a server did not start");
    let address = lines.by_ref().find_map(|line| {
        before = format!("{before}\n{line}");
        line.strip_prefix("listening on http://")?.parse().ok()
    });
    // Nobody waits any longer if it took too long.
    let _ = found.send(address.ok_or(before));
    lines.for_each(drop);
}

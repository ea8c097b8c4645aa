//! Serves the emulated API on a listener of tokio.

use std::{convert::Infallible, io, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinSet};

use super::Emulator;

impl Emulator {
    /// Answers on `listener`, which must listen on this machine only, until the future is dropped.
    ///
    /// # Errors
    ///
    /// If it listens to other machines, but for [`Emulator::dangerous_beyond_loopback`].
    pub async fn serve(self, listener: TcpListener) -> io::Result<Infallible> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() && !self.beyond_loopback {
            return Err(io::Error::other(format!(
                "{address} is open to other machines: `Emulator::dangerous_beyond_loopback` if it must be"
            )));
        }
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = listener.accept().await else {
                // No file descriptor is left, or the client is gone.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let service = TowerToHyperService::new(self.clone());
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new());
            connections.spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    }
}

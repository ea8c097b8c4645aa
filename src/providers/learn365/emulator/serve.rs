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
    /// Serves the API on `listener` until the future is dropped.
    ///
    /// # Errors
    ///
    /// If the listener is open to other machines, and [`Emulator::dangerous_beyond_loopback`] was not called.
    pub async fn serve(self, listener: TcpListener) -> io::Result<Infallible> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() && !self.beyond_loopback {
            return Err(io::Error::other(format!(
                "{address} is open to other machines: call `Emulator::dangerous_beyond_loopback` if this is intended"
            )));
        }
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = listener.accept().await else {
                // There are no more file descriptors, or the client has hung up.
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

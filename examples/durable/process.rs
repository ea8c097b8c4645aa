//! This program, started once more. Here, and in the example `postgres`.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use http::{Request, Uri};
use tower_webhook::{Body, BoxError, sender::deliver};

/// A process that is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    target: Option<Uri>,
}

impl Process {
    pub(crate) fn start(args: &[&str]) -> Result<Self, BoxError> {
        let program = std::env::current_exe()?;
        let child = Command::new(program).args(args).stdout(Stdio::piped()).spawn()?;
        Ok(Self { child, target: None })
    }

    /// Waits until it has printed the address at which it receives.
    pub(crate) fn receives(mut self) -> Result<Self, BoxError> {
        let mut address = String::new();
        let output = self.child.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut address)?;
        self.target = Some(format!("http://{}/webhooks/learn365", address.trim()).parse()?);
        Ok(self)
    }

    pub(crate) async fn answers_200(&self, request: &Request<Body>) -> Result<bool, BoxError> {
        let mut request = request.clone();
        *request.uri_mut() = self.target.clone().ok_or("no receiver")?;
        Ok(deliver(request).await.is_ok_and(|answer| answer.status() == 200))
    }
}

impl Drop for Process {
    /// With SIGKILL: it can do nothing about it.
    fn drop(&mut self) {
        // An error: it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A receiver to poke with curl: every event of every sender becomes one line of JSON on standard output.
//!
//! ```text
//! LOOPS_TOKEN=0123456789abcdef0123456789abcdef cargo run --example receiver
//! curl --json '[{"type":"SESSION_STARTED","data":{}}]' \
//!     http://127.0.0.1:3000/webhooks/loops/0123456789abcdef0123456789abcdef
//! ```
//!
//! Events of unknown types are printed too, as are those that do not fit their type, with the error. What is refused
//! is told on standard error. SIGTERM or Ctrl-C stops it: what has been accepted is finished first.

mod args;
mod connection;
mod events;
mod hooks;
mod io;
mod server;
mod shutdown;
mod told;

use std::{env, process::ExitCode};

use tokio::{net::TcpListener, runtime::Runtime};
use tower_webhook::BoxError;

use crate::{
    args::{Args, USAGE},
    hooks::Hooks,
    io::say,
    shutdown::Shutdown,
};

fn main() -> ExitCode {
    let exit = match Args::parse(env::args_os().skip(1)) {
        Ok(Some(args)) => serve(args),
        Ok(None) => {
            say(USAGE);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(format_args!("receiver: {error}\n{USAGE}"));
            ExitCode::from(2)
        }
    };
    io::finish();
    exit
}

fn serve(args: Args) -> ExitCode {
    let done = Runtime::new().map_err(BoxError::from).and_then(|runtime| {
        let done = runtime.block_on(run(args));
        // A reader who has stopped reading must not keep the process alive.
        runtime.shutdown_background();
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("receiver: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), BoxError> {
    told::begin();
    let hooks = Hooks::from_env(args.clock)?;
    let mut shutdown = Shutdown::new()?;
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|error| format!("{}: {error}", args.listen))?;
    say(format_args!("listening on http://{}", listener.local_addr()?));
    server::serve(listener, hooks.app(), args.limits, shutdown.requested()).await;
    hooks.drain().await
}

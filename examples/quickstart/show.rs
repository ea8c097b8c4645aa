//! The stage: a server, the requests to send to it, and a table of what became of them.

use std::{
    convert::Infallible,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, response::IntoResponse};
use http::{Request, StatusCode, Uri, uri::InvalidUri};
use tokio::net::TcpListener;
use tower::Service;
use tower_webhook::{Body, BoxError, sender::deliver};

/// What the handlers have to say.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn handled(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(crate) struct Show {
    listener: TcpListener,
    base: String,
    app: Router,
    log: Log,
    acts: Vec<Act>,
}

/// A request, the answer it must get, and what handlers must have seen by then.
struct Act {
    what: &'static str,
    request: Request<Body>,
    status: StatusCode,
    handled: &'static str,
}

impl Show {
    pub(crate) async fn on_a_free_port() -> Result<Self, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, base, app: Router::new(), log: Log::default(), acts: Vec::new() })
    }

    pub(crate) fn log(&self) -> Log {
        self.log.clone()
    }

    pub(crate) fn url(&self, path: &str) -> Result<Uri, InvalidUri> {
        format!("{}{path}", self.base).parse()
    }

    pub(crate) fn mount<S>(&mut self, path: &str, hook: S)
    where
        S: Service<Request<axum::body::Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S: Service<Request<axum::body::Body>, Response: IntoResponse, Future: Send>,
    {
        self.app = std::mem::take(&mut self.app).route_service(path, hook);
    }

    /// To be answered 200, once a handler has said `handled`.
    pub(crate) fn genuine(
        &mut self,
        what: &'static str,
        request: Request<Body>,
        handled: &'static str,
    ) {
        self.acts.push(Act { what, request, status: StatusCode::OK, handled });
    }

    /// To be refused, without a word of any handler.
    pub(crate) fn forged(
        &mut self,
        what: &'static str,
        request: Request<Body>,
        status: StatusCode,
    ) {
        self.acts.push(Act { what, request, status, handled: "" });
    }

    /// Sends everything over HTTP, and fails unless all of it went as it must.
    pub(crate) async fn run(self) -> Result<ExitCode, BoxError> {
        println!("listening on {}", self.base);
        println!("values: documented examples of Loops and SynthesisVR, invented for the others\n");
        let server = axum::serve(self.listener, self.app);
        tokio::spawn(async move { server.await });

        let mut surprises = 0;
        row("REQUEST", "ANSWER", "HANDLED");
        for Act { what, request, status, handled } in self.acts {
            let answer = deliver(request).await?.status();
            let seen = self.log.take().join("; ");
            row(what, &answer.to_string(), if seen.is_empty() { "-" } else { &seen });
            if (answer, &*seen) != (status, handled) {
                surprises += 1;
                row("", "UNEXPECTED", &format!("instead of {status}, handled: {handled:?}"));
            }
        }
        match surprises {
            0 => println!("\nEverything genuine was handled, and everything forged was refused."),
            _ => println!("\n{surprises} of these went otherwise than they must."),
        }
        Ok(if surprises == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn row(what: &str, answer: &str, handled: &str) {
    println!("{what:<46} {answer:<18} {handled}");
}

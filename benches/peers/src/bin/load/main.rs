//! How many requests a second everyone answers on a socket, and how long the slowest of a hundred takes.
//!
//! ```text
//! load [--once] RECEIVER      against the example receiver, whose executable this is, and against the peers
//! load serve CONTEST NAME     a peer, or this crate where the receiver does not take part, until it is killed
//! ```
//!
//! The servers of a contest take turns. Each is a process of its own, is sent 1 KiB over eight connections that are kept
//! alive, and prints a line of JSON for each event before it answers: five of Standard Webhooks, one of GitHub.
//!
//! The same for all: the runtime, hyper's server, the deadlines of connections and of heads, how a line is made and printed
//! (one event after the other), and that every event comes as a whole with its type, in no type of its own. Not the
//! same: only the receiver has a limit of connections and five other routes it could have, and traces what it refuses.

mod client;
#[path = "../../../../../examples/receiver/connection.rs"]
mod connection;
#[path = "../../../../../examples/receiver/io.rs"]
#[expect(dead_code, reason = "nobody waits here for last words")]
mod io;
mod serve;
mod server;

use std::{env, process::Command, time::Duration};

use bytes::Bytes;
use http::Request;
use peers::{
    common::requests::SECRET,
    contenders::{
        AXUM_STANDARDWEBHOOKS, BARE_JSON, Contender, Contest, GITHUB, OURS, STANDARD_WEBHOOKS,
        Signature, WEBHOOK_VERIFY, altered,
        github::{OCTOEVENTS, TOWER_GITHUB_WEBHOOK},
    },
    rounds::{Effort, beside},
};
use tower_webhook::BoxError;

use crate::{client::Round, server::Server};

const SERVERS: [(Contest, [&str; 4]); 2] = [
    (STANDARD_WEBHOOKS, [OURS, BARE_JSON, WEBHOOK_VERIFY, AXUM_STANDARDWEBHOOKS]),
    (GITHUB, [OURS, OCTOEVENTS, WEBHOOK_VERIFY, TOWER_GITHUB_WEBHOOK]),
];
const EFFORT: Effort = Effort { rounds: 9, round: Duration::from_secs(1) };
const ONCE: Effort = Effort { rounds: 1, round: Duration::from_millis(50) };

fn main() -> Result<(), BoxError> {
    let args: Vec<_> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", contest, name] => serve::serve(contest, name),
        [receiver] => load(receiver, EFFORT),
        ["--once", receiver] | [receiver, "--once"] => load(receiver, ONCE),
        _ => Err("usage: load [--once] RECEIVER".into()),
    }
}

/// One thread makes all requests, and leaves the others to the server.
fn load(receiver: &str, effort: Effort) -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for (contest, names) in SERVERS {
            take_turns(&contest, targets(receiver, &contest, &names)?, effort).await?;
        }
        Ok(())
    })
}

async fn take_turns(
    contest: &Contest,
    mut targets: Vec<Target>,
    effort: Effort,
) -> Result<(), BoxError> {
    let body = (contest.body)(1024);
    for target in &targets {
        target.check(&body).await?;
    }
    for _ in 0..effort.rounds {
        for target in &mut targets {
            target.round(&body, effort.round).await?;
        }
        // Everyone comes first in turn.
        targets.rotate_left(1);
    }
    let ours = targets.iter().find(|target| target.sender.name == OURS);
    targets.iter().for_each(|target| target.print(contest, ours.unwrap_or(target)));
    Ok(())
}

struct Target {
    server: Server,
    path: &'static str,
    sender: Contender,
    rounds: Vec<Round>,
}

fn targets(receiver: &str, contest: &Contest, names: &[&str]) -> Result<Vec<Target>, BoxError> {
    let mut senders = (contest.contenders)();
    let target = |&name: &&str| {
        let found = senders.iter().position(|sender| sender.name == name);
        let sender = senders.swap_remove(found.ok_or_else(|| format!("nobody is {name}"))?);
        let (server, path) = match (contest.name, name) {
            (STANDARD, OURS) => (example(receiver), "/webhooks/standard"),
            (contest, name) => (served(contest, name), "/hook"),
        };
        Ok(Target { server: server?, path, sender, rounds: Vec::new() })
    };
    names.iter().map(target).collect()
}

const STANDARD: &str = STANDARD_WEBHOOKS.name;

fn served(contest: &str, name: &str) -> Result<Server, BoxError> {
    Server::start(Command::new(env::current_exe()?).args(["serve", contest, name]))
}

fn example(receiver: &str) -> Result<Server, BoxError> {
    let listen = ["--listen", "127.0.0.1:0"];
    Server::start(Command::new(receiver).args(listen).env("STANDARD_WEBHOOKS_SECRET", SECRET))
}

impl Target {
    /// Signed now: the signature does not outlast five minutes.
    fn request(&self, body: &str) -> Request<Bytes> {
        let body = Bytes::from(body.to_owned());
        let mut request = self.sender.request(&body).map(|_| body.clone());
        *request.uri_mut() = self.path.parse().expect("a good path");
        request
    }

    /// A good request is taken, and refused with one byte changed by all who verify.
    async fn check(&self, body: &str) -> Result<(), BoxError> {
        let name = self.sender.name;
        let good = client::answer(self.server.address, self.request(body)).await?;
        let mut changed = self.request(body);
        *changed.body_mut() = altered(body).into();
        let bad = client::answer(self.server.address, changed).await?;
        let refused = self.sender.signature != Signature::None;
        if good.is_success() && bad.is_client_error() == refused {
            return Ok(());
        }
        Err(format!("{name} answers {good}, and {bad} with a byte changed").into())
    }

    async fn round(&mut self, body: &str, length: Duration) -> Result<(), BoxError> {
        let request = self.request(body);
        let round = client::round(self.server.address, request, length).await;
        self.rounds.push(round.map_err(|error| format!("{}: {error}", self.sender.name))?);
        Ok(())
    }

    fn print(&self, contest: &Contest, another: &Self) {
        let all = |target: &Self, figure: fn(&Round) -> f64| -> Vec<f64> {
            target.rounds.iter().map(figure).collect()
        };
        let of = |figure| beside(&all(another, figure), &all(self, figure));
        let (contest, name) = (contest.name, self.sender.name);
        println!("{contest} rps\t{name}\t{:.0}", of(|round| round.per_second));
        println!("{contest} p99 us\t{name}\t{:.1}", of(|round| round.p99.as_secs_f64() * 1e6));
    }
}

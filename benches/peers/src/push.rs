//! A push to a repository, as GitHub sends it: one event, and as many commits in it as are wanted.

use serde::{Deserialize, Serialize};
use tower_webhook::{Payload, providers::github::GitHub};

/// The type in the head.
pub const PUSH: &str = "push";

#[derive(Deserialize, Serialize)]
pub struct Push {
    #[serde(rename = "ref")]
    pub reference: String,
    pub before: String,
    pub after: String,
    pub repository: Repository,
    pub sender: Account,
    pub commits: Vec<Commit>,
}

impl Payload for Push {
    type Provider = GitHub;
}

impl octoevents::Payload for Push {
    const KIND: octoevents::EventKind = octoevents::EventKind::Push;
}

#[derive(Deserialize, Serialize)]
pub struct Repository {
    pub id: u64,
    pub name: String,
    pub full_name: String,
    pub owner: Account,
}

#[derive(Deserialize, Serialize)]
pub struct Account {
    pub id: u64,
    pub login: String,
}

#[derive(Deserialize, Serialize)]
pub struct Commit {
    pub id: String,
    pub message: String,
    pub timestamp: String,
    pub distinct: bool,
    pub author: Author,
    pub added: Vec<String>,
    pub modified: Vec<String>,
}

#[derive(Deserialize, Serialize)]
pub struct Author {
    pub name: String,
    pub email: String,
}

/// With as many commits as fit into `bytes`.
pub fn within(bytes: usize) -> String {
    let mut push = Push {
        reference: "refs/heads/main".into(),
        before: format!("{:040x}", 1),
        after: format!("{:040x}", 2),
        repository: Repository {
            id: 7685,
            name: "boards".into(),
            full_name: "example/boards".into(),
            owner: account(),
        },
        sender: account(),
        commits: Vec::new(),
    };
    let mut room = bytes.saturating_sub(json(&push).len());
    for commit in (0..).map(commit) {
        match room.checked_sub(json(&commit).len() + 1) {
            Some(rest) => room = rest,
            None => break,
        }
        push.commits.push(commit);
    }
    json(&push)
}

fn account() -> Account {
    Account { id: 4711, login: "soeren".into() }
}

/// The commit at place `n`. One in twenty-five has something to unescape.
fn commit(n: usize) -> Commit {
    let end = if n % 25 == 2 { "\n\nPart two" } else { "" };
    Commit {
        id: format!("{n:040x}"),
        message: format!("Draw the lines of board {n} in one place{end}"),
        timestamp: "2026-03-14T09:26:53+01:00".into(),
        distinct: true,
        author: Author { name: "Søren Ångström".into(), email: format!("user{n}@example.com") },
        added: vec![format!("boards/{n}/drawing.svg")],
        modified: vec!["README.md".into(), "src/lib.rs".into()],
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("serializable")
}

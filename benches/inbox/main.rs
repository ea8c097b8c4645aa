//! What durability costs: the door, the worker and growth, in SQLite and in PostgreSQL.
//!
//! `benches/inbox/run` measures all of it, and writes the figures into the page on the inbox. `cargo bench --bench inbox -- PART…`
//! measures parts, and prints them as lines of `work`, `name` and `value`.

#[path = "../common/mod.rs"]
mod common;
mod deliveries;
mod door;
mod effort;
mod growth;
mod load;
mod machine;
mod neighbour;
mod picture;
mod postgres;
mod report;
mod snapshot;
mod sqlite;
mod worker;

use std::{
    env,
    fmt::Write,
    path::Path,
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use effort::Effort;
use tower_webhook::BoxError;

const USAGE: &str = "usage: inbox [--once] [--rows N] PART…
       inbox report RESULTS [--write ROOT]
parts: sync sqlite sqlite-worker sqlite-growth postgres postgres-worker postgres-growth";

/// Without a part, as in `cargo test --benches`: everything, to see that it works.
const ALL: [&str; 7] = [
    "sync",
    "sqlite",
    "sqlite-worker",
    "sqlite-growth",
    "postgres",
    "postgres-worker",
    "postgres-growth",
];

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let done = match &args[..] {
        ["report", results] => report::print(Path::new(results)),
        ["report", results, "--write", root] => report::write(Path::new(results), Path::new(root)),
        _ => match Effort::of(&args) {
            Some((effort, parts)) => measure(effort, &parts),
            None => Err(USAGE.into()),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(effort: Effort, parts: &[&str]) -> Result<(), BoxError> {
    if effort.once {
        row("meta", "once", 1.0);
    }
    tokio::runtime::Runtime::new()?.block_on(all(effort, parts))?;
    if effort.once {
        report::try_out(&ROWS.lock().unwrap_or_else(PoisonError::into_inner));
    }
    Ok(())
}

async fn all(effort: Effort, parts: &[&str]) -> Result<(), BoxError> {
    for part in parts {
        eprintln!("measuring {part}");
        match *part {
            "sync" => machine::sync(effort)?,
            "sqlite" => sqlite::door(effort).await?,
            "sqlite-worker" => sqlite::worker(effort).await?,
            "sqlite-growth" => sqlite::growth(effort).await?,
            "postgres" => postgres::door(effort).await?,
            "postgres-worker" => postgres::worker(effort).await?,
            "postgres-growth" => postgres::growth(effort).await?,
            _ => return Err(USAGE.into()),
        }
    }
    Ok(())
}

/// What this process has measured.
static ROWS: Mutex<String> = Mutex::new(String::new());

/// One figure.
fn row(work: &str, name: &str, value: f64) {
    println!("{work}\t{name}\t{value}");
    let mut rows = ROWS.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = writeln!(rows, "{work}\t{name}\t{value}");
}

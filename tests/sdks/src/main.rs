//! This crate's verdict on altered requests, beside those of the vendors' own libraries.
//!
//! `sdks FOLDER differential COUNT [SEED]`: so many requests of each sender. The libraries are installed in the folder. Whatever is not in
//! `differences.tsv` fails.
//! `sdks FOLDER deliver`: the vendors' signers send to a server of this crate, and their verifiers judge what this crate sends.
//! `sdks FOLDER vectors FILE`: writes requests with the verdicts on them, for the tests of the crate.

mod alter;
mod deliver;
mod differential;
mod random;
#[path = "../../it/vectors/recorded.rs"]
mod recorded;
mod table;
mod vectors;
mod vendors;

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use serde_json::Value;

use crate::{
    differential::Report, random::Random, recorded::Recorded, table::Table, vectors::Selection,
    vendors::Vendors,
};

/// With fewer requests of a sender, a known difference may well not be seen.
const MANY: usize = 8_000;
/// Requests that are not yet signed.
const GENUINE: &str = include_str!("../genuine.json");

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let [folder, rest @ ..] = &*arguments else { return usage() };
    let mut vendors = Vendors::in_folder(Path::new(folder));
    match rest {
        ["deliver"] => {
            deliver::deliver(&mut vendors).await;
            ExitCode::SUCCESS
        }
        ["differential", count] => differential(&mut vendors, number(count), 1, None).await,
        ["differential", count, seed] => {
            differential(&mut vendors, number(count), number(seed), None).await
        }
        ["vectors", file] => differential(&mut vendors, 1_000, 1, Some(file)).await,
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("sdks FOLDER (differential COUNT [SEED] | deliver | vectors FILE)");
    ExitCode::from(2)
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// By sender.
fn genuine() -> BTreeMap<String, Vec<Recorded>> {
    let all: Vec<Value> = serde_json::from_str(GENUINE).unwrap();
    let mut by_sender = BTreeMap::<_, Vec<Recorded>>::new();
    for mut draft in all {
        draft["method"] = "POST".into();
        draft["origin"] = "https://hooks.example".into();
        draft["now"] = 1_790_000_000.into();
        draft["body_base64"] = base64(draft["body"].as_str().unwrap()).into();
        let request: Recorded = serde_json::from_value(draft).unwrap();
        by_sender.entry(request.sender.clone()).or_default().push(request);
    }
    by_sender
}

fn base64(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

/// Writes some of the requests into `file`.
async fn differential(
    vendors: &mut Vendors,
    count: usize,
    seed: usize,
    file: Option<&str>,
) -> ExitCode {
    let (mut table, mut report, mut selection) =
        (Table::read(), Report::default(), Selection::default());
    for requests in genuine().values() {
        let mut random = Random::new(u64::try_from(seed).unwrap());
        let mutants = differential::mutants(requests, count, &mut random, vendors);
        report.compare(&mutants, &mut table, vendors, &mut selection).await;
    }
    print(&report, &table);
    if let Some(file) = file {
        let lines = selection.kept.iter().map(|vector| serde_json::to_string(vector).unwrap());
        let lines = lines.collect::<Vec<_>>().join(",\n");
        std::fs::write(file, format!("[\n{lines}\n]\n")).unwrap();
    }
    if report.unknown.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(report: &Report, table: &Table) {
    for (sender, (all, accepted)) in &report.counts {
        println!("{sender}: {all} requests, {accepted} accepted");
    }
    let (rows, seen) = table.counts();
    println!("{} kinds of alterations", report.alterations.len());
    println!("{seen} known differences, of {} kinds out of {rows}", rows - table.unseen().count());
    if report.counts.values().all(|(all, _)| *all > MANY) {
        for unseen in table.unseen() {
            println!("not seen: {unseen}");
        }
    }
    for (difference, example) in &report.unknown {
        let table::Difference { side, sender, library, alteration } = difference;
        println!("UNKNOWN\t{side:?}\t{sender}\t{library}\t{alteration}\t{example}");
    }
}

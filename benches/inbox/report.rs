//! What was measured, as Markdown; with `--write` into the page on the inbox too, and as a picture.

use std::{fmt::Write, fs, path::Path};

use tower_webhook::BoxError;

use crate::{
    common::figures::{
        Bound::{self, AtLeast, AtMost},
        Judged, Rows, TIE, cell, decimal, ratio, replaced, short, significant, targets,
    },
    machine, picture,
};

pub(crate) fn print(results: &Path) -> Result<(), BoxError> {
    let text = markdown(&Rows::parse(&fs::read_to_string(results)?));
    print!("{text}");
    match text.contains("| not measured |") {
        true => Err("something has not been measured".into()),
        false => Ok(()),
    }
}

pub(crate) fn write(results: &Path, root: &Path) -> Result<(), BoxError> {
    print(results)?;
    let rows = Rows::parse(&fs::read_to_string(results)?);
    let page = root.join("src/docs/inbox.md");
    let text = replaced(&fs::read_to_string(&page)?, &markdown(&rows))
        .ok_or("the page on the inbox has no place for figures")?;
    fs::write(page, text)?;
    fs::write(root.join("benches/inbox/latency.svg"), picture::latency(&rows))?;
    Ok(())
}

/// That figures can be written and drawn.
pub(crate) fn try_out(results: &str) {
    let rows = Rows::parse(results);
    assert!(markdown(&rows).starts_with("> Everything was done once"));
    assert!(picture::latency(&rows).ends_with("</svg>\n"));
}

fn markdown(rows: &Rows) -> String {
    let mut text = String::new();
    if rows.get("meta", "once") == Some(1.0) {
        text.push_str(
            "> Everything was done once, to see that it works: **the figures mean nothing.**\n\n",
        );
    }
    let _ = writeln!(text, "Measured on {}.\n", machine::described());
    syncs(&mut text, rows);
    doors(&mut text, rows);
    workers(&mut text, rows);
    growth(&mut text, rows);
    sizes(&mut text, rows);
    let results: Vec<_> = TARGETS.iter().map(|target| target.judged(rows)).collect();
    targets(&mut text, &results);
    text
}

const DISKS: [(&str, &str); 3] =
    [("quick", "quick sync"), ("slow", "slow sync"), ("disk", "the machine's disk")];
const STORES: [(&str, &str); 2] = [("sqlite", "SQLite"), ("postgres", "PostgreSQL")];
const SENDERS: [usize; 4] = [1, 4, 16, 64];

fn syncs(text: &mut String, rows: &Rows) {
    text.push_str("| a sync of 4 KiB, µs |  |\n|---|--:|\n");
    for (disk, title) in DISKS {
        let _ = writeln!(text, "| {title} | {} |", cell(rows.get("sync", disk), significant));
    }
    text.push('\n');
}

fn doors(text: &mut String, rows: &Rows) {
    text.push_str(
        "| accepted per second · p50 · p99 in ms, with so many senders at the same time | 1 | 4 | 16 | 64 | commits per delivery at 64 |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for (store, title) in STORES {
        for (disk, sync) in DISKS {
            for (name, _) in rows.of(&format!("{store} {disk} rate 64")) {
                let figure = |measure, senders| {
                    cell(
                        rows.get(&format!("{store} {disk} {measure} {senders}"), name),
                        significant,
                    )
                };
                let cells = SENDERS.map(|senders| {
                    ["rate", "p50", "p99"].map(|measure| figure(measure, senders)).join(" · ")
                });
                let commits = rows.get(&format!("{store} {disk} commits 64"), name);
                let _ = writeln!(
                    text,
                    "| {title}, {sync}: {name} | {} | {} |",
                    cells.join(" | "),
                    cell(commits, |commits| format!("{commits:.3}"))
                );
            }
        }
    }
    text.push('\n');
}

fn workers(text: &mut String, rows: &Rows) {
    text.push_str(
        "| door and worker at once, 64 senders | accepted per second | handled per second | handled ÷ accepted |\n\
         |---|--:|--:|--:|\n",
    );
    for (store, title) in STORES {
        for (disk, sync) in DISKS {
            for (name, share) in rows.of(&format!("{store} {disk} worker share")) {
                let rate = |what| {
                    cell(rows.get(&format!("{store} {disk} worker {what}"), name), significant)
                };
                let (accepted, handled) = (rate("accepted"), rate("handled"));
                let _ = writeln!(
                    text,
                    "| {title}, {sync}: {name} | {accepted} | {handled} | {} |",
                    decimal(share)
                );
            }
        }
    }
    text.push('\n');
}

/// What is said of a store that has grown, and the name of the figure.
const GROWTH: [(&str, &str); 19] = [
    ("finished deliveries", "rows"),
    ("accepted per second while it is filled, 64 senders", "fill rate"),
    ("p99 of that, ms", "fill p99"),
    ("accepted per second then, 64 senders", "accepted, full"),
    ("the same ÷ empty", "accepted, full ÷ empty"),
    ("p99 of that, ms", "p99, full"),
    ("the same, empty", "p99, empty"),
    ("claimed and finished per second, lots of 64", "handled, full"),
    ("the same ÷ empty", "handled, full ÷ empty"),
    ("purged per second: bodies, records and keys", "purge, full"),
    ("the same, empty", "purge, empty"),
    ("p99 of what is accepted meanwhile, ms", "p99 while purged, full"),
    ("ms until ten of another sender are handled, alone", "few of another, alone"),
    ("ms until ten of another sender are handled, while so many wait", "few of another, many wait"),
    ("claim of 16, p50, ms", "claim p50, before"),
    ("the same after a snapshot was held for a minute", "claim p50, at the end"),
    ("what passed per second in that minute", "passed under the snapshot, per second"),
    ("bytes on the disk for a finished delivery", "bytes each"),
    ("of these, headers and body", "bytes of headers and body each"),
];

fn growth(text: &mut String, rows: &Rows) {
    text.push_str(
        "| with many finished deliveries of 500 bytes | SQLite | PostgreSQL |\n|---|--:|--:|\n",
    );
    for (what, name) in GROWTH {
        let [sqlite, postgres] =
            STORES.map(|(store, _)| cell(rows.get(&format!("{store} growth"), name), significant));
        let _ = writeln!(text, "| {what} | {sqlite} | {postgres} |");
    }
    let mib = |bytes: Option<f64>| cell(bytes.map(|bytes| bytes / f64::from(1 << 20)), significant);
    let largest = mib(rows.get("sqlite growth", "largest log"));
    let each = cell(rows.get("postgres growth", "log each"), significant);
    let _ = writeln!(
        text,
        "| write-ahead log | {largest} MiB at most | {each} bytes for each delivery |\n"
    );
}

/// Days for which headers and bodies, and keys and records, are kept by default.
const KEPT: (f64, f64) = (7.0, 90.0);
const DAY: f64 = 24.0 * 60.0 * 60.0;

fn sizes(text: &mut String, rows: &Rows) {
    text.push_str("| GB on the disk after 90 days, with the default retention, of so many deliveries | SQLite | PostgreSQL |\n|---|--:|--:|\n");
    for rate in [1.0, 10.0, 100.0, 1_000.0] {
        let [sqlite, postgres] = STORES
            .map(|(store, _)| cell(kept(rows, store).map(|each| rate * each / 1e9), significant));
        let _ = writeln!(text, "| {} per second | {sqlite} | {postgres} |", short(rate));
    }
    let most = kept(rows, "sqlite").map(|each| (16_u64 << 30) as f64 / each);
    let _ = writeln!(
        text,
        "| what fits into the 16 GiB that are the default of `max_bytes`, per second | {} | |\n",
        cell(most, significant)
    );
}

/// The bytes that are kept in the end of one delivery per second.
fn kept(rows: &Rows, store: &str) -> Option<f64> {
    let work = format!("{store} growth");
    let bodies = rows.get(&work, "bytes of headers and body each")?;
    let rest = rows.get(&work, "bytes each")? - bodies;
    Some(DAY * (KEPT.0 * bodies + KEPT.1 * rest))
}

struct Target {
    what: &'static str,
    figure: Figure,
    bound: Bound,
}

enum Figure {
    /// One row.
    Of(&'static str, &'static str),
    /// A row in MiB.
    MiB(&'static str, &'static str),
    /// One work of two.
    Ratio(&'static str, &'static str, &'static str),
}
use Figure::{MiB, Of, Ratio};

const EACH: &str = "one transaction each";
const GROUP: &str = "group commit";
const POOL: &str = "8 connections, a transaction each";
const BATCHES: &str = "batches, layer and inbox";

#[rustfmt::skip]
const TARGETS: [Target; 18] = [
    Target { what: "SQLite, 64 senders: group commit ÷ one transaction each", figure: Of("sqlite quick ahead 64", EACH), bound: AtLeast(4.0) },
    Target { what: "the same, slow sync", figure: Of("sqlite slow ahead 64", EACH), bound: AtLeast(24.0) },
    Target { what: "commits per delivery, 64 senders", figure: Of("sqlite quick commits 64", GROUP), bound: AtMost(0.04) },
    Target { what: "the same, slow sync", figure: Of("sqlite slow commits 64", GROUP), bound: AtMost(0.04) },
    Target { what: "p99 with 64 senders and the slow sync, ms", figure: Of("sqlite slow p99 64", GROUP), bound: AtMost(20.0) },
    Target { what: "SQLite, handled ÷ accepted", figure: Of("sqlite quick worker share", "16 handlers"), bound: AtLeast(0.9) },
    Target { what: "the same, slow sync", figure: Of("sqlite slow worker share", "16 handlers"), bound: AtLeast(0.9) },
    Target { what: "PostgreSQL, handled ÷ accepted", figure: Of("postgres quick worker share", "16 handlers"), bound: AtLeast(0.9) },
    Target { what: "the same, slow sync", figure: Of("postgres slow worker share", "16 handlers"), bound: AtLeast(0.9) },
    Target { what: "PostgreSQL, 64 senders, slow sync: batches behind layer and inbox ÷ 8 connections with a transaction each", figure: Ratio("postgres slow rate 64", BATCHES, POOL), bound: AtLeast(6.0) },
    Target { what: "SQLite, accepted with many finished ÷ empty", figure: Of("sqlite growth", "accepted, full ÷ empty"), bound: AtLeast(0.75) },
    Target { what: "p99 of that, ms", figure: Of("sqlite growth", "p99, full"), bound: AtMost(15.0) },
    Target { what: "p99 while it is filled, ms", figure: Of("sqlite growth", "fill p99"), bound: AtMost(15.0) },
    Target { what: "largest log, MiB", figure: MiB("sqlite growth", "largest log"), bound: AtMost(256.0) },
    Target { what: "PostgreSQL, accepted with many finished ÷ empty", figure: Of("postgres growth", "accepted, full ÷ empty"), bound: AtLeast(0.75) },
    Target { what: "PostgreSQL, claim after a snapshot was held ÷ before", figure: Of("postgres growth", "claim, at the end ÷ before"), bound: AtMost(3.0) },
    Target { what: "SQLite, ms until ten of another sender are handled while many wait", figure: Of("sqlite growth", "few of another, many wait"), bound: AtMost(250.0) },
    Target { what: "the same, PostgreSQL", figure: Of("postgres growth", "few of another, many wait"), bound: AtMost(250.0) },
];

impl Target {
    fn judged(&self, rows: &Rows) -> Judged {
        let figure = match self.figure {
            Of(work, name) => rows.get(work, name),
            MiB(work, name) => rows.get(work, name).map(|bytes| bytes / f64::from(1 << 20)),
            Ratio(work, of, to) => ratio(rows, work, of, to),
        };
        Judged::new(self.what.to_owned(), figure, self.bound, TIE)
    }
}
